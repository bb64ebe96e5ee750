"""The log: append in the caller's transaction, sequence, read."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import connections, transaction
from django.db.models import F, Max, Min, QuerySet

from carveout.conf import get_settings
from carveout.errors import HistoryGone
from carveout.event import ReceivedEvent
from carveout.failpoint import reach
from carveout.models import LoggedEvent, Partition


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key; the same in every process and release."""
    return zlib.crc32(key.encode()) % partitions


def append(row: LoggedEvent, database: str) -> None:
    """Store an event without a position, in the transaction that is open."""
    row.save(using=database, force_insert=True)


def head_of(context: str, partition: int) -> Partition:
    """The head row, created on first use."""
    heads = Partition.objects.using(get_settings().database_of(context))
    return heads.get_or_create(context=context, number=partition)[0]


def sequence(context: str, partition: int, limit: int) -> int:
    """Give committed events without a position the next ones, in id order.

    Safe to run twice at once: the head row is locked, by an update because not every database
    locks on a read.

    Returns: how many events got a position.
    """
    database = get_settings().database_of(context)
    with transaction.atomic(using=database):
        heads = Partition.objects.using(database).filter(context=context, number=partition)
        while not heads.update(head=F("head")):  # also locks a row that somebody else just made
            head_of(context, partition)
        head = heads.values_list("head", flat=True).get()
        sequenced = _give_positions(context, partition, head, limit, database)
        if sequenced:
            heads.update(head=head + sequenced)
            reach("relay: positions given")
        return sequenced


def _give_positions(context: str, partition: int, head: int, limit: int, database: str) -> int:
    with connections[database].cursor() as cursor:
        cursor.execute(_GIVE_POSITIONS, [head, context, partition, limit])
        return int(cursor.rowcount)


_GIVE_POSITIONS = """
    UPDATE carveout_loggedevent SET position = %s + fresh.place
    FROM (
        SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place FROM carveout_loggedevent
        WHERE context = %s AND partition = %s AND position IS NULL
        ORDER BY id LIMIT %s
    ) AS fresh
    WHERE carveout_loggedevent.id = fresh.id
"""


def unsequenced(context: str, partition: int) -> bool:
    """Is any committed event still without a position?"""
    return rows_of(context, partition).filter(position=None).exists()


def read(context: str, partition: int, after: int, limit: int) -> list[ReceivedEvent]:
    """Events after a position, in order.

    Raises: HistoryGone: events after that position were pruned.
    """
    rows = rows_of(context, partition).filter(position__gt=after).order_by("position")[:limit]
    events = [received(row) for row in rows]
    first = events[0].position if events else _first_if_emptied(context, partition, after)
    if first != after + 1:
        raise HistoryGone(
            f"{context}.{partition}: the log begins at position {first}, and positions"
            f" {after + 1} to {first - 1} are pruned. Restore them, or accept the loss by moving"
            " the cursor."
        )
    return events


def _first_if_emptied(context: str, partition: int, after: int) -> int:
    """Where a log goes on that has nothing after a position: there, if nothing was pruned."""
    head = head_of(context, partition).head
    # The head first: what is sequenced between the two queries is then seen by the second.
    emptied = head > after and not rows_of(context, partition).filter(position__gt=after).exists()
    return head + 1 if emptied else after + 1


def received(row: LoggedEvent) -> ReceivedEvent:
    """A sequenced row as subscribers get it."""
    return ReceivedEvent(
        id=row.event_id,
        type=row.type,
        context=row.context,
        partition=row.partition,
        position=row.position or 0,
        key=row.key,
        time=row.time,
        data=msgspec.json.decode(row.data),
        carries=row.carries,
        carried=msgspec.json.decode(row.carried) if row.carried else None,
        correlation_id=row.correlation_id,
        causation_id=row.causation_id,
        traceparent=row.traceparent,
    )


@dataclass(frozen=True)
class Extent:
    """What a log holds of a partition."""

    identity: str
    first: int
    """The first position that is not pruned; head + 1 when nothing is left."""
    head: int


def new_epoch(context: str, partition: int) -> int:
    """Tell streams of before from those to come. Returns: the head, where the new epoch begins."""
    head = head_of(context, partition)
    heads = Partition.objects.using(get_settings().database_of(context)).filter(pk=head.pk)
    heads.update(epoch=F("epoch") + 1)
    return head.head


def position_before(context: str, partition: int, time: datetime) -> int:
    """The position before the first event that is not older than a time."""
    older = rows_of(context, partition).filter(time__lt=time)
    return older.aggregate(last=Max("position"))["last"] or extent(context, partition).first - 1


def extent(context: str, partition: int) -> Extent:
    head = head_of(context, partition)
    first = rows_of(context, partition).aggregate(first=Min("position"))["first"]
    return Extent(head.identity, first or head.head + 1, head.head)


def partitions_of(contexts: Iterable[str]) -> list[tuple[str, int]]:
    """Every (context, partition) of these contexts."""
    known = get_settings().contexts
    return [(name, number) for name in contexts for number in range(known[name].partitions)]


def rows_of(context: str, partition: int) -> "QuerySet[LoggedEvent]":
    """The partition's events, sequenced or not."""
    rows = LoggedEvent.objects.using(get_settings().database_of(context))
    return rows.filter(context=context, partition=partition)
