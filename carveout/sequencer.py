"""Sequencing: committed events get the next positions of their partitions.

Positions are given here only, under a lock of the log, so they have no gaps and never change.
"""

from collections import defaultdict
from operator import itemgetter
from typing import Any

from django.db import connections, transaction

from carveout import row
from carveout.conf import get_settings
from carveout.failpoint import reach
from carveout.log import divide
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
    return sum(map(len, give_positions(context, limit).values()))


def give_positions(context: str, limit: int) -> dict[int, list[Row]]:
    """As `sequence`. Returns: the rows that got a position, by partition and in order."""
    connection = connections[get_settings().database_of(context)]
    give = f'{_GIVE_POSITIONS} RETURNING "partition" AS number, {row.columns(connection.vendor)}'
    found = None
    if _answers_each(connection):
        found = _given_at_once(connection, give, context, limit)
    if found is None:
        found = _given(connection, give, context, limit)
    placed: dict[int, list[Row]] = defaultdict(list)
    for number, *rest in sorted(found, key=itemgetter(0, 1)):
        placed[number].append(Row._make(rest))
    return placed


def _given(connection: Any, give: str, context: str, limit: int) -> list[Any]:
    with transaction.atomic(using=connection.alias):
        lock(context)
        with connection.cursor() as cursor:
            cursor.execute(give, [context, limit, context, context])
            found: list[Any] = cursor.fetchall()
            if found:
                cursor.execute(_MOVE_HEADS, [context])
                reach("relay: positions given")
    return found


def _given_at_once(connection: Any, give: str, context: str, limit: int) -> list[Any] | None:
    """In one message, which PostgreSQL makes one transaction: three round trips less.

    Returns: None, if the log is not divided yet.
    Source: https://www.postgresql.org/docs/current/protocol-flow.html (Multiple Statements)
    """
    statements = f"{_LOCK}; {_GIVE_AND_MOVE.replace('GIVE', give)}"
    with connection.cursor() as cursor:
        cursor.execute(statements, [context, context, limit, context, context, context])
        if not cursor.fetchone():
            return None
        reach("relay: positions given")
        cursor.nextset()
        found: list[Any] = cursor.fetchall()
        return found


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
