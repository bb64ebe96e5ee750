"""The log: append in the caller's transaction, and read."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from carveout import entry, row
from carveout.conf import get_settings
from carveout.errors import HistoryGone
from carveout.event import Place, ReceivedEvent
from carveout.models import Layout, LoggedEvent, Partition
from carveout.row import NewRow, Row

SLOTS = 16_384


def slot_of(key: str) -> int:
    """The slot of a key; the same in every process and release."""
    return zlib.crc32(key.encode()) % SLOTS


def append(rows: Sequence[NewRow], database: str) -> None:
    """Store events without a position, in the transaction that is open."""
    row.insert(rows, database)


def head_of(context: str, partition: int) -> Partition:
    """The head row; one that is not stored, at position 0, if there is no such partition."""
    heads = Partition.objects.using(get_settings().database_of(context))
    row = heads.filter(context=context, number=partition).first()
    return row or Partition(context=context, number=partition)


def places_of(contexts: Iterable[str]) -> list[Place]:
    """Every partition that the logs of these contexts ever had; they are hosted here."""
    places = []
    for context in contexts:
        heads = Partition.objects.using(get_settings().database_of(context)).filter(context=context)
        numbers = list(heads.order_by("number").values_list("number", flat=True))
        places += [(context, number) for number in numbers or divide(context)]
    return places


def divide(context: str) -> range:
    """Make the partitions that the settings say, unless the log is divided already."""
    options = get_settings().contexts[context]
    with transaction.atomic(using=options.database):
        layout, new = Layout.objects.using(options.database).get_or_create(
            context=context, defaults={"partitions": options.partitions}
        )
        if new:
            rows = [Partition(context=context, number=each) for each in range(layout.partitions)]
            Partition.objects.using(options.database).bulk_create(rows)
    return range(layout.partitions)


def partitions_of(context: str) -> int:
    """Into how many partitions a log is divided now."""
    divide(context)
    layouts = Layout.objects.using(get_settings().database_of(context))
    return layouts.get(context=context).partitions


def read(context: str, partition: int, after: int, limit: int) -> list[ReceivedEvent]:
    """Events after a position, in order, as subscribers get them.

    Raises: HistoryGone: events after that position were pruned, or one was made unreadable.
    """
    place = (context, partition)
    return [_received(place, found) for found in rows(context, partition, after, limit)]


def rows(context: str, partition: int, after: int, limit: int) -> list[Row]:
    """Rows after a position, in order.

    Raises: HistoryGone: events after that position were pruned.
    """
    found = row.select(context, partition, after, limit, get_settings().database_of(context))
    first = found[0].position if found else _first_if_emptied(context, partition, after)
    if first != after + 1:
        raise HistoryGone(
            f"{context}.{partition}: the log begins at position {first}, and positions"
            f" {after + 1} to {first - 1} are pruned. Restore them, or accept the loss by moving"
            " the cursor."
        )
    return found


def _received(place: Place, found: Row) -> ReceivedEvent:
    try:
        return entry.received(place, found)
    except entry.UNREADABLE as error:
        raise HistoryGone(
            f"{place[0]}.{place[1]}: the log's row at position {found.position}, event"
            f" {found.event_id}, is unreadable ({error!r}). It was changed by hand: restore it, or"
            " accept the loss by moving the cursor."
        ) from error


def _first_if_emptied(context: str, partition: int, after: int) -> int:
    """Where a log goes on that has nothing after a position: there, if nothing was pruned."""
    head = head_of(context, partition).head
    # The head first: what is sequenced between the two queries is then seen by the second.
    emptied = head > after and not rows_of(context, partition).filter(position__gt=after).exists()
    return head + 1 if emptied else after + 1


@dataclass(frozen=True)
class Extent:
    """What a log holds of a partition."""

    identity: str
    first: int
    """The first position that is not pruned; head + 1 when nothing is left."""
    head: int
    event_id: UUID | None = None
    """The event at the position that was asked for, if it is kept."""
    stopped_why: str = ""
    """Why the partition has stopped; empty if it has not."""

    @property
    def is_kept(self) -> bool:
        """Is anything left?"""
        return self.first <= self.head


def stop(head: Partition, why: str) -> bool:
    """Let nothing be shipped until there is a new epoch. An earlier reason stays.

    Returns: does it stand now? It does not if there was an epoch since the head row was read.
    """
    same = _heads(head).filter(log_id=head.log_id, epoch=head.epoch)
    same.filter(stopped_at=None).update(stopped_at=timezone.now(), stopped_why=why)
    return same.exclude(stopped_at=None).exists()


def stopped(contexts: Iterable[str]) -> list[Partition]:
    """The partitions of contexts that are hosted here from which nothing is shipped now."""
    found = [
        row
        for context in contexts
        for row in Partition.objects.using(get_settings().database_of(context))
        .filter(context=context)
        .exclude(stopped_at=None)
    ]
    return sorted(found, key=lambda row: (row.context, row.number))


def new_epoch(context: str, partition: int) -> Partition:
    """Tell streams of before from those to come, in the transaction that is open.

    Whatever stopped is over. Returns: the head row, where the new epoch begins.
    """
    rows = _heads(head_of(context, partition))
    rows.update(epoch=F("epoch") + 1, stopped_at=None, stopped_why="")
    return rows.get()


def _heads(head: Partition) -> "QuerySet[Partition]":
    return Partition.objects.using(get_settings().database_of(head.context)).filter(pk=head.pk)


def position_before(context: str, partition: int, time: datetime) -> int:
    """The position before the first event that is not older than a time."""
    older = rows_of(context, partition).filter(time__lt=time)
    return older.aggregate(last=Max("position"))["last"] or extent(context, partition).first - 1


def extent(context: str, partition: int, at: int = 0) -> Extent:
    """What is kept of a partition; nothing, at position 0, if there is no such partition.

    at: the position whose event is wanted too.
    """
    with connections[get_settings().database_of(context)].cursor() as cursor:
        cursor.execute(_EXTENT, [at, context, partition])
        found = cursor.fetchone()
    if found is None:
        return Extent(head_of(context, partition).identity, 1, 0)
    log_id, epoch, head, stopped_at, stopped_why, first, event_id = found
    return Extent(
        identity_of(log_id, epoch),
        first or head + 1,
        head,
        uuid_of(event_id),
        stopped_why if stopped_at else "",
    )


def identity_of(log_id: Any, epoch: int) -> str:
    """As `Partition.identity`, of columns as the database gives them."""
    return Partition(log_id=_LOG_ID.to_python(log_id), epoch=epoch).identity


def uuid_of(column: Any) -> UUID | None:
    """A UUID as the database gives it."""
    found: UUID | None = _LOG_ID.to_python(column)
    return found


_LOG_ID = Partition._meta.get_field("log_id")
_EXTENT = """
    SELECT log_id, epoch, head, stopped_at, stopped_why, (
        SELECT MIN(position) FROM carveout_loggedevent AS event
        WHERE event.context = part.context AND event."partition" = part.number
            AND position IS NOT NULL
    ), (
        SELECT event_id FROM carveout_loggedevent AS event
        WHERE event.context = part.context AND event."partition" = part.number
            AND position = %s
    ) FROM carveout_partition AS part WHERE context = %s AND number = %s
"""


def rows_of(context: str, partition: int) -> "QuerySet[LoggedEvent]":
    """The partition's events, in any order."""
    rows = LoggedEvent.objects.using(get_settings().database_of(context))
    return rows.filter(context=context, partition=partition, position__isnull=False)
