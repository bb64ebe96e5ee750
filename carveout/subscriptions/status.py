"""Reports where each subscription is, how many events wait for it, and since when.

The admin, REST, metrics and `manage.py doctor` all show what this module reads.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count
from django.utils import timezone

from carveout.conf import get_settings
from carveout.errors import LookupFailed, SettingsInvalid, StreamUnavailable
from carveout.eventlog import reader, remote
from carveout.events.event import PartitionRef
from carveout.models import Cursor, Delivery, Partition
from carveout.redis import streams
from carveout.subscriptions import subscription
from carveout.subscriptions.cursors import BEGINNING, CursorPosition, partitions_elsewhere
from carveout.subscriptions.subscription import Subscription

LATE_S = 60.0
"""A subscription whose oldest event has waited longer is in trouble."""


def events_behind(position: int, head: int) -> int:
    """The lag: how many events a cursor has not passed."""
    return max(head - position, 0)


@dataclass(frozen=True)
class PartitionStatus:
    """Where a subscription is in one partition."""

    ref: PartitionRef
    at: CursorPosition
    """The cursor; `BEGINNING` if it has no cursor."""
    head: int | None
    """The last position of the partition; None if unknown."""
    oldest: datetime | None = None
    """When the first waiting event was published; None if none waits, or unknown."""
    moved_at: datetime | None = None
    stopped_at: datetime | None = None
    """Since when the partition has been stopped. Meanwhile its head does not show who is behind."""

    @property
    def position(self) -> int:
        return self.at.position

    @property
    def lag(self) -> int | None:
        """How many events wait; None if unknown."""
        return None if self.head is None else events_behind(self.position, self.head)

    @property
    def behind_since(self) -> datetime | None:
        """When the first waiting event was published, or the partition stopped."""
        return min((each for each in (self.oldest, self.stopped_at) if each), default=None)

    @property
    def is_late(self) -> bool:
        late = timedelta(seconds=LATE_S)
        return self.oldest is not None and timezone.now() - self.oldest > late


@dataclass(frozen=True)
class Pause:
    """Who paused a subscription, when, and why."""

    at: datetime
    by: str
    why: str


@dataclass(frozen=True)
class SubscriptionStatus:
    """A subscription's state in the partitions of the logs asked for, and its deliveries."""

    subscription: Subscription
    started: bool
    """Whether it has a cursor in any of them."""
    partitions: tuple[PartitionStatus, ...]
    deliveries: Mapping[str, int]
    """How many there are of each state."""
    pause: Pause | None

    @property
    def lag(self) -> int | None:
        """How many events wait; None if unknown for some partition."""
        lags = [each.lag for each in self.partitions]
        return None if None in lags else sum(lag for lag in lags if lag is not None)

    @property
    def position(self) -> int:
        """The sum of all positions; its growth is the speed of the subscription."""
        return sum(each.position for each in self.partitions)

    @property
    def oldest(self) -> datetime | None:
        return min((each.oldest for each in self.partitions if each.oldest), default=None)

    @property
    def moved_at(self) -> datetime | None:
        return max((each.moved_at for each in self.partitions if each.moved_at), default=None)

    @property
    def late(self) -> list[PartitionStatus]:
        """Where events have waited too long; nowhere before it has started."""
        return [each for each in self.partitions if self.started and each.is_late]

    @property
    def stopped(self) -> list[PartitionStatus]:
        return [each for each in self.partitions if each.stopped_at]

    @property
    def is_in_trouble(self) -> bool:
        """Whether somebody should look at it. Deliveries that wait are tried again anyway."""
        return bool(self.late or self.stopped or self.pause or self.deliveries.get("dead"))


def statuses(
    contexts: Iterable[str],
    sources: Collection[str] | None = None,
    *,
    count_deliveries: bool = True,
) -> list[SubscriptionStatus]:
    """The statuses of these contexts' subscriptions, by name.

    sources: only on the logs of these contexts, and only of subscriptions to one of them.
    count_deliveries: counting takes long if there are very many.
    """
    ours = [
        each
        for each in subscription.hosted(contexts)
        if sources is None or not each.source_contexts.isdisjoint(sources)
    ]
    cursors: dict[str, dict[PartitionRef, Cursor]] = defaultdict(dict)
    deliveries: dict[str, dict[str, int]] = defaultdict(dict)
    for database in sorted({each.database for each in ours}):
        for row in Cursor.objects.using(database).order_by("context", "partition"):
            if sources is None or row.context in sources:
                cursors[row.subscription][PartitionRef(row.context, row.partition)] = row
        for name, state, count in _deliveries(database) if count_deliveries else ():
            deliveries[name][state] = count
    # Read after the cursors: both keep moving, and no cursor may seem ahead of its log.
    heads = _Heads()
    return [
        _status(each, sources, cursors[each.name], deliveries[each.name], heads) for each in ours
    ]


class _Head(NamedTuple):
    """The end of a partition."""

    position: int | None
    stopped_at: datetime | None = None


class _Heads:
    """The ends of partitions, wherever their logs are. Each is read once."""

    def __init__(self) -> None:
        self._here: dict[str, dict[PartitionRef, _Head]] = {}
        self._elsewhere: dict[PartitionRef, _Head] = {}
        self._redis_answers = True
        self._silent: set[str] = set()
        """The owners that did not answer."""

    def here(self, owner: str) -> dict[PartitionRef, _Head]:
        """All partitions of a log that is hosted here. Those of one database are read at once."""
        if owner not in self._here:
            settings = get_settings()
            database = settings.database_of(owner)
            beside = [each for each in settings.hosted if settings.database_of(each) == database]
            self._here |= {context: {} for context in beside}
            rows = Partition.objects.using(database).filter(context__in=beside)
            for row in rows.values_list("context", "number", "head", "stopped_at"):
                context, number, head, stopped_at = row
                self._here[context][PartitionRef(context, number)] = _Head(head, stopped_at)
        return self._here[owner]

    def of(self, ref: PartitionRef, at_least: int, subscriber: str) -> _Head:
        """Of a log elsewhere: the end of its stream, or else its owner's answer."""
        if get_settings().hosts(ref.context):
            return self.here(ref.context).get(ref, _Head(0))
        if ref not in self._elsewhere:
            self._elsewhere[ref] = _Head(self._ask(ref, at_least, subscriber))
        return self._elsewhere[ref]

    def oldest_after(self, ref: PartitionRef, position: int) -> datetime | None:
        """When the first event after a position was published."""
        if get_settings().hosts(ref.context):
            return reader.time_after(*ref, position)
        try:
            events = streams.read(ref, position, 1).events if self._redis_answers else []
        except StreamUnavailable:
            self._redis_answers = False
            return None
        return events[0].time if events else None

    def _ask(self, ref: PartitionRef, at_least: int, subscriber: str) -> int | None:
        try:
            last = streams.last_position(ref) if self._redis_answers else 0
        except StreamUnavailable:
            self._redis_answers, last = False, 0
        if last >= max(at_least, 1):
            return last
        if ref.context in self._silent:
            return None
        try:  # Redis is unreachable, or has lost the stream
            return remote.log_range(subscriber, ref).head
        except (LookupFailed, SettingsInvalid):
            self._silent.add(ref.context)
            return None


def _deliveries(database: str) -> Iterable[tuple[str, str, int]]:
    rows = Delivery.objects.using(database).values("subscription", "state").order_by()
    return rows.annotate(count=Count("pk")).values_list("subscription", "state", "count")


def _status(
    of: Subscription,
    sources: Collection[str] | None,
    cursors: Mapping[PartitionRef, Cursor],
    deliveries: Mapping[str, int],
    heads: _Heads,
) -> SubscriptionStatus:
    owners = of.source_contexts if sources is None else of.source_contexts & set(sources)
    refs = set(cursors).union(*(_partitions(owner, cursors, heads) for owner in owners))
    partitions = tuple(_partition_status(of, ref, cursors.get(ref), heads) for ref in sorted(refs))
    paused = next((each for each in cursors.values() if each.paused_at), None)
    pause = None
    if paused is not None and paused.paused_at is not None:
        pause = Pause(paused.paused_at, paused.paused_by, paused.paused_why)
    return SubscriptionStatus(of, bool(cursors), partitions, deliveries, pause)


def _partitions(
    owner: str, cursors: Iterable[PartitionRef], heads: _Heads
) -> Iterable[PartitionRef]:
    if get_settings().hosts(owner):
        return heads.here(owner)
    known = [ref.number for ref in cursors if ref.context == owner]
    return [PartitionRef(owner, number) for number in partitions_elsewhere(owner, known)]


def _partition_status(
    of: Subscription, ref: PartitionRef, row: Cursor | None, heads: _Heads
) -> PartitionStatus:
    at = CursorPosition(row.position, row.event_id, row.paused_at is not None) if row else BEGINNING
    head, stopped_at = heads.of(ref, at.position, of.context)
    waits = head is not None and head > at.position
    oldest = heads.oldest_after(ref, at.position) if waits else None
    return PartitionStatus(ref, at, head, oldest, row.moved_at if row else None, stopped_at)
