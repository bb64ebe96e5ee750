"""Reads the log, and appends to it in the caller's transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from carveout.conf import get_settings
from carveout.errors import HistoryGone
from carveout.eventlog import rows as row
from carveout.events import codec
from carveout.events.event import NewRecord, PartitionRef, ReceivedEvent, Record
from carveout.models import Layout, LoggedEvent, Partition


def append(rows: Sequence[NewRecord], database: str) -> None:
    """Store events without a position, in the open transaction."""
    row.insert(rows, database)


def head_row(context: str, partition: int) -> Partition:
    """The head row; an unsaved one at position 0 if there is no such partition."""
    heads = Partition.objects.using(get_settings().database_of(context))
    row = heads.filter(context=context, number=partition).first()
    return row or Partition(context=context, number=partition)


def all_partitions(contexts: Iterable[str]) -> list[PartitionRef]:
    """Every partition that the logs of these contexts ever had. They must be hosted here."""
    refs = []
    for context in contexts:
        heads = Partition.objects.using(get_settings().database_of(context)).filter(context=context)
        numbers = list(heads.order_by("number").values_list("number", flat=True))
        refs += [PartitionRef(context, number) for number in numbers or create_partitions(context)]
    return refs


class LogEnd(NamedTuple):
    """Where the log of a partition ends."""

    ref: PartitionRef
    identity: str
    head: int
    event_id: UUID | None
    """The event at the head; None if there is none, or if it was pruned."""
    is_stopped: bool


def ends(contexts: Sequence[str], database: str) -> list[LogEnd]:
    """The end of each partition, in one statement. The contexts must be hosted in this database."""
    found = _ends(contexts, database)
    if new := set(contexts) - {end.ref.context for end in found}:
        for context in new:
            create_partitions(context)
        found = _ends(contexts, database)
    return found


def _ends(contexts: Sequence[str], database: str) -> list[LogEnd]:
    with connections[database].cursor() as cursor:
        cursor.execute(ENDS.format(contexts=", ".join(["%s"] * len(contexts))), contexts)
        return list(map(log_end, cursor.fetchall()))


def log_end(found: Sequence[Any]) -> LogEnd:
    """From a row of `ENDS`."""
    context, number, log_id, epoch, stopped_at, head, event_id = found
    ref, identity = PartitionRef(context, number), identity_of(log_id, epoch)
    return LogEnd(ref, identity, head, uuid_of(event_id), bool(stopped_at))


ENDS = """
    SELECT context, number, log_id, epoch, stopped_at, head, (
        SELECT event_id FROM carveout_loggedevent AS event
        WHERE event.context = part.context AND event."partition" = part.number
            AND position = part.head
    ) FROM carveout_partition AS part WHERE context IN ({contexts})
"""


def create_partitions(context: str) -> range:
    """Create the partitions that the settings configure, unless the log already has some."""
    options = get_settings().contexts[context]
    with transaction.atomic(using=options.database):
        layout, new = Layout.objects.using(options.database).get_or_create(
            context=context, defaults={"partitions": options.partitions}
        )
        if new:
            rows = [Partition(context=context, number=each) for each in range(layout.partitions)]
            Partition.objects.using(options.database).bulk_create(rows)
    return range(layout.partitions)


def partition_count(context: str) -> int:
    """How many partitions a log has now."""
    create_partitions(context)
    layouts = Layout.objects.using(get_settings().database_of(context))
    return layouts.get(context=context).partitions


def read(context: str, partition: int, after: int, limit: int) -> list[ReceivedEvent]:
    """Events after a position, in order, as subscribers get them.

    Raises: HistoryGone: events after that position were pruned, or one is unreadable.
    """
    ref = PartitionRef(context, partition)
    return [_received(ref, found) for found in rows(context, partition, after, limit)]


def rows(context: str, partition: int, after: int, limit: int) -> list[Record]:
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


def _received(ref: PartitionRef, found: Record) -> ReceivedEvent:
    try:
        return codec.from_record(ref, found)
    except codec.UNREADABLE as error:
        raise HistoryGone(
            f"{ref}: the log's row at position {found.position}, event"
            f" {found.event_id}, is unreadable ({error!r}). It was changed by hand: restore it, or"
            " accept the loss by moving the cursor."
        ) from error


def _first_if_emptied(context: str, partition: int, after: int) -> int:
    """The next position if no row is left after `after`; past the head if rows were pruned."""
    head = head_row(context, partition).head
    # The head first: the second query then sees events sequenced between the two.
    emptied = head > after and not rows_of(context, partition).filter(position__gt=after).exists()
    return head + 1 if emptied else after + 1


@dataclass(frozen=True)
class LogRange:
    """The range of a partition that its log holds."""

    identity: str
    first: int
    """The first position that is not pruned; head + 1 when no event is left."""
    head: int
    event_id: UUID | None = None
    """The event at the requested position, if the log still has it."""
    stopped_why: str = ""
    """Why the partition is stopped; empty if it is not."""

    @property
    def is_kept(self) -> bool:
        """Whether any event is left."""
        return self.first <= self.head


def stop(head: Partition, why: str) -> bool:
    """Stop shipping until there is a new epoch. An earlier reason stays.

    Returns: whether it is stopped; false if an epoch began since the head row was read.
    """
    same = _heads(head).filter(log_id=head.log_id, epoch=head.epoch)
    same.filter(stopped_at=None).update(stopped_at=timezone.now(), stopped_why=why)
    return same.exclude(stopped_at=None).exists()


def stopped(contexts: Iterable[str]) -> list[Partition]:
    """The stopped partitions of contexts hosted here."""
    found = [
        row
        for context in contexts
        for row in Partition.objects.using(get_settings().database_of(context))
        .filter(context=context)
        .exclude(stopped_at=None)
    ]
    return sorted(found, key=lambda row: (row.context, row.number))


def new_epoch(context: str, partition: int) -> Partition:
    """Begin a new epoch in the open transaction, so that old streams no longer match.

    Ends any stop. Returns: the head row, where the new epoch begins.
    """
    rows = _heads(head_row(context, partition))
    rows.update(epoch=F("epoch") + 1, stopped_at=None, stopped_why="")
    return rows.get()


def _heads(head: Partition) -> "QuerySet[Partition]":
    return Partition.objects.using(get_settings().database_of(head.context)).filter(pk=head.pk)


def position_before(context: str, partition: int, time: datetime) -> int:
    """The position before the first event that is not older than a time."""
    older = rows_of(context, partition).filter(time__lt=time)
    return older.aggregate(last=Max("position"))["last"] or log_range(context, partition).first - 1


def time_after(context: str, partition: int, position: int) -> datetime | None:
    """When the first event after a position was published; None if there is no such event."""
    after = rows_of(context, partition).filter(position__gt=position).order_by("position")
    return after.values_list("time", flat=True).first()


def log_range(context: str, partition: int, at: int = 0) -> LogRange:
    """The kept range of a partition; empty, at position 0, if there is no such partition.

    at: a position whose event is included.
    """
    with connections[get_settings().database_of(context)].cursor() as cursor:
        cursor.execute(_LOG_RANGE, [at, context, partition])
        found = cursor.fetchone()
    if found is None:
        return LogRange(head_row(context, partition).identity, 1, 0)
    log_id, epoch, head, stopped_at, stopped_why, first, event_id = found
    return LogRange(
        identity_of(log_id, epoch),
        first or head + 1,
        head,
        uuid_of(event_id),
        stopped_why if stopped_at else "",
    )


def identity_of(log_id: Any, epoch: int) -> str:
    """As `Partition.identity`, from raw columns of the database."""
    return Partition(log_id=_LOG_ID.to_python(log_id), epoch=epoch).identity


def uuid_of(column: Any) -> UUID | None:
    """A UUID from a raw value of the database."""
    found: UUID | None = _LOG_ID.to_python(column)
    return found


_LOG_ID = Partition._meta.get_field("log_id")
_LOG_RANGE = """
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
