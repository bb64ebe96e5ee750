"""Gives committed events the next positions of their partitions.

Positions are given only here, under a lock of the log, so they have no gaps and never change.
"""

from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction

from carveout.conf import get_settings
from carveout.eventlog import rows
from carveout.eventlog.partitions import SLOT_IN_SQL
from carveout.eventlog.reader import ENDS, create_partitions, log_end
from carveout.events.event import Record
from carveout.runtime.failpoints import reach


def lock(context: str) -> int:
    """Lock a context's log, so that only the open transaction gives positions.

    With an update, because not every database locks on a read.

    Returns: the number of partitions.
    """
    with connections[get_settings().database_of(context)].cursor() as cursor:
        cursor.execute(_LOCK, [context])
        found = cursor.fetchone()
        if not found:
            create_partitions(context)
            cursor.execute(_LOCK, [context])
            found = cursor.fetchone()
        return int(found[0])


_LOCK = "UPDATE carveout_layout SET partitions = partitions WHERE context = %s RETURNING partitions"


def sequence(context: str, limit: int) -> int:
    """Give committed events without a position the next ones of their partitions, in id order.

    Safe to run twice at once.

    Returns: how many events got a position.
    """
    return sum(len(fresh.rows) for fresh in sequence_returning_records(context, limit).values())


class Fresh(NamedTuple):
    """Rows of one partition that just got positions, and the event right before them."""

    rows: list[Record]
    identity: str
    before: UUID | None
    """The event at the position before the first row, or None."""
    is_stopped: bool


def sequence_returning_records(context: str, limit: int) -> dict[int, Fresh]:
    """As `sequence`. Returns: the new rows by partition, in order."""
    connection = connections[get_settings().database_of(context)]
    give = _GIVE_POSITIONS.replace("SLOT", SLOT_IN_SQL[connection.vendor])
    give += f' RETURNING "partition" AS number, {rows.columns(connection.vendor)}'
    both = None
    if _answers_each(connection):
        both = _given_at_once(connection, give, context, limit)
    if both is None:
        both = _given(connection, give, context, limit)
    ends, found = both
    placed: dict[int, list[Record]] = defaultdict(list)
    for number, *rest in sorted(found, key=itemgetter(0, 1)):
        placed[number].append(Record._make(rest))
    return {
        end.ref.number: Fresh(placed[end.ref.number], end.identity, end.event_id, end.is_stopped)
        for end in map(log_end, ends)
        if end.ref.number in placed
    }


def _given(
    connection: Any, give: str, context: str, limit: int
) -> tuple[Sequence[Any], Sequence[Any]]:
    ends: Sequence[Any] = ()
    with transaction.atomic(using=connection.alias):
        lock(context)
        with connection.cursor() as cursor:
            cursor.execute(give, [context, limit, context])
            found: list[Any] = cursor.fetchall()
            if found:
                cursor.execute(_ENDS, [context])
                ends = cursor.fetchall()
                cursor.execute(_MOVE_HEADS, [context])
                reach("relay: positions given")
    return ends, found


def _given_at_once(
    connection: Any, give: str, context: str, limit: int
) -> tuple[Sequence[Any], Sequence[Any]] | None:
    """As `_given`, in one message and so one transaction of PostgreSQL: saves three round trips.

    Returns: None, if the log has no partitions yet.
    Source: https://www.postgresql.org/docs/current/protocol-flow.html (Multiple Statements)
    """
    statements = f"{_LOCK}; {_ENDS}; {_GIVE_AND_MOVE.replace('GIVE', give)}"
    values = [context, context, context, limit, context, context]
    with connection.cursor() as cursor:
        cursor.execute(statements, values)
        if not cursor.fetchone():
            return None
        reach("relay: positions given")
        cursor.nextset()
        ends: list[Any] = cursor.fetchall()
        cursor.nextset()
        found: list[Any] = cursor.fetchall()
        return ends, found


def _answers_each(connection: Any) -> bool:
    """Whether the driver returns the rows of each statement of a message.

    psycopg2 returns only the last one's. With server-side binding a message holds one statement.
    """
    if connection.vendor != "postgresql":
        return False
    # Imported here: it needs a PostgreSQL driver.
    from django.db.backends.postgresql import psycopg_any

    binds_on_server = connection.settings_dict["OPTIONS"].get("server_side_binding")
    return psycopg_any.is_psycopg3 and not binds_on_server


# Read before the heads move: where each partition ended, and with which event.
_ENDS = ENDS.format(contexts="%s")
_GIVE_POSITIONS = """
    UPDATE carveout_loggedevent SET "partition" = fresh.number, position = fresh.place
    FROM (
        SELECT event.id, head.number,
            head.head + ROW_NUMBER() OVER (PARTITION BY head.number ORDER BY event.id) AS place
        FROM (
            SELECT new.id, CASE partitions WHEN 1 THEN 0 ELSE SLOT %% partitions END AS number
            FROM carveout_layout AS layout
            JOIN carveout_loggedevent AS new ON new.context = layout.context
            WHERE layout.context = %s AND new.position IS NULL ORDER BY new.id LIMIT %s
        ) AS event
        JOIN carveout_partition AS head ON head.context = %s AND head.number = event.number
    ) AS fresh
    WHERE carveout_loggedevent.id = fresh.id
"""
_MOVE_HEADS = """
    UPDATE carveout_partition SET head = placed.last
    FROM (
        SELECT id, (
            SELECT MAX(position) FROM carveout_loggedevent AS event
            WHERE event.context = head.context AND event."partition" = head.number
                AND position IS NOT NULL
        ) AS last
        FROM carveout_partition AS head WHERE context = %s
    ) AS placed
    WHERE carveout_partition.id = placed.id AND carveout_partition.head < placed.last
"""
_GIVE_AND_MOVE = """
    WITH placed AS (GIVE), moved AS (
        UPDATE carveout_partition SET head = ends.last
        FROM (SELECT number, MAX(position) AS last FROM placed GROUP BY number) AS ends
        WHERE carveout_partition.context = %s AND carveout_partition.number = ends.number
    )
    SELECT * FROM placed
"""


def unsequenced(contexts: Sequence[str], database: str) -> set[str]:
    """Those with committed events that have no position yet. They must be in this database."""
    if not contexts:
        return set()
    statement = " UNION ALL ".join([_IF_UNSEQUENCED] * len(contexts))
    with connections[database].cursor() as cursor:
        cursor.execute(statement, [each for context in contexts for each in (context, context)])
        return {context for (context,) in cursor.fetchall()}


_IF_UNSEQUENCED = """
    SELECT %s AS context WHERE EXISTS (
        SELECT 1 FROM carveout_loggedevent WHERE context = %s AND position IS NULL
    )
"""
