"""Sequencing: committed events get the next positions of their partitions.

Positions are given here only, under a lock of the log, so they have no gaps and never change.
"""

from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction

from carveout import row
from carveout.conf import get_settings
from carveout.failpoint import reach
from carveout.log import divide, identity_of, uuid_of
from carveout.models import LoggedEvent
from carveout.row import Row


def lock(context: str) -> int:
    """Let nobody else give positions in a context's log until the open transaction ends.

    By an update, because not every database locks on a read.

    Returns: the number of partitions.
    """
    with connections[get_settings().database_of(context)].cursor() as cursor:
        cursor.execute(_LOCK, [context])
        found = cursor.fetchone()
        if not found:
            divide(context)
            cursor.execute(_LOCK, [context])
            found = cursor.fetchone()
        return int(found[0])


_LOCK = "UPDATE carveout_layout SET partitions = partitions WHERE context = %s RETURNING partitions"


def sequence(context: str, limit: int) -> int:
    """Give committed events without a position the next ones of their partitions, in id order.

    Safe to run twice at once.

    Returns: how many events got a position.
    """
    return sum(len(fresh.rows) for fresh in give_positions(context, limit).values())


class Fresh(NamedTuple):
    """What just got its positions in one partition, and what the log has right before."""

    rows: list[Row]
    identity: str
    before: UUID | None
    """The event at the position before the first row; None if there is none."""
    is_stopped: bool


def give_positions(context: str, limit: int) -> dict[int, Fresh]:
    """As `sequence`. Returns: what got its positions, by partition; the rows are in order."""
    connection = connections[get_settings().database_of(context)]
    give = f'{_GIVE_POSITIONS} RETURNING "partition" AS number, {row.columns(connection.vendor)}'
    both = None
    if _answers_each(connection):
        both = _given_at_once(connection, give, context, limit)
    if both is None:
        both = _given(connection, give, context, limit)
    ends, found = both
    placed: dict[int, list[Row]] = defaultdict(list)
    for number, *rest in sorted(found, key=itemgetter(0, 1)):
        placed[number].append(Row._make(rest))
    return {
        number: Fresh(placed[number], identity_of(log_id, epoch), uuid_of(event_id), bool(stopped))
        for number, log_id, epoch, stopped, event_id in ends
        if number in placed
    }


def _given(
    connection: Any, give: str, context: str, limit: int
) -> tuple[Sequence[Any], Sequence[Any]]:
    ends: Sequence[Any] = ()
    with transaction.atomic(using=connection.alias):
        lock(context)
        with connection.cursor() as cursor:
            cursor.execute(give, [context, limit, context, context])
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
    """In one message, which PostgreSQL makes one transaction: three round trips less.

    Returns: None, if the log is not divided yet.
    Source: https://www.postgresql.org/docs/current/protocol-flow.html (Multiple Statements)
    """
    statements = f"{_LOCK}; {_ENDS}; {_GIVE_AND_MOVE.replace('GIVE', give)}"
    values = [context, context, context, limit, context, context, context]
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
    """Does the driver give the rows of each statement of a message?

    psycopg2 gives the last one's only. With server-side binding a message holds one statement.
    """
    if connection.vendor != "postgresql":
        return False
    # Imported here: it needs a driver of PostgreSQL.
    from django.db.backends.postgresql import psycopg_any

    binds_on_server = connection.settings_dict["OPTIONS"].get("server_side_binding")
    return psycopg_any.is_psycopg3 and not binds_on_server


# Before the heads are moved: where each partition ended, and with which event.
_ENDS = """
    SELECT number, log_id, epoch, stopped_at, (
        SELECT event_id FROM carveout_loggedevent AS event
        WHERE event.context = part.context AND event."partition" = part.number
            AND position = part.head
    ) FROM carveout_partition AS part WHERE context = %s
"""
_GIVE_POSITIONS = """
    UPDATE carveout_loggedevent SET "partition" = fresh.number, position = fresh.place
    FROM (
        SELECT event.id, head.number,
            head.head + ROW_NUMBER() OVER (PARTITION BY head.number ORDER BY event.id) AS place
        FROM (
            SELECT id, slot FROM carveout_loggedevent
            WHERE context = %s AND position IS NULL ORDER BY id LIMIT %s
        ) AS event
        JOIN carveout_partition AS head
            ON head.context = %s AND head.number = event.slot %% (
                SELECT partitions FROM carveout_layout WHERE context = %s
            )
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


def unsequenced(context: str) -> bool:
    """Is any committed event still without a position?"""
    rows = LoggedEvent.objects.using(get_settings().database_of(context))
    return rows.filter(context=context, position=None).exists()
