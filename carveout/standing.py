"""Standings: where each subscription is, how much waits for it, and since when."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from carveout import history, stream, subscription
from carveout.conf import get_settings
from carveout.errors import LookupFailed, SettingsInvalid, StreamUnavailable
from carveout.event import Place
from carveout.models import Cursor, Delivery, LoggedEvent, Partition
from carveout.subscription import Subscription


@dataclass(frozen=True)
class Stand:
    """Where a subscription is in one partition."""

    place: Place
    position: int
    head: int | None
    """The last position of the partition; None if nobody could say."""
    oldest: datetime | None = None
    """When the first event was published that waits; None if none does, or nobody could say."""
    moved_at: datetime | None = None

    @property
    def lag(self) -> int | None:
        """How many events wait; None if nobody could say."""
        return None if self.head is None else max(self.head - self.position, 0)


@dataclass(frozen=True)
class Pause:
    """Who paused a subscription, when, and why."""

    at: datetime
    by: str
    why: str


@dataclass(frozen=True)
class Standing:
    """Where a subscription is in all partitions that it hears, and its deliveries by state."""

    subscription: Subscription
    stands: tuple[Stand, ...]
    deliveries: Mapping[str, int]
    pause: Pause | None

    @property
    def lag(self) -> int | None:
        """How many events wait; None if nobody could say for some partition."""
        lags = [stand.lag for stand in self.stands]
        return None if None in lags else sum(lag for lag in lags if lag is not None)

    @property
    def position(self) -> int:
        """All positions together: how fast it grows is how fast the subscription goes."""
        return sum(stand.position for stand in self.stands)

    @property
    def oldest(self) -> datetime | None:
        return min((stand.oldest for stand in self.stands if stand.oldest), default=None)

    @property
    def moved_at(self) -> datetime | None:
        return max((stand.moved_at for stand in self.stands if stand.moved_at), default=None)


def standings(contexts: Iterable[str]) -> list[Standing]:
    """Those of the subscriptions of these contexts, by name."""
    ours = subscription.hosted(contexts)
    databases = sorted({each.database for each in ours})
    cursors: dict[str, dict[Place, Cursor]] = defaultdict(dict)
    deliveries: dict[str, dict[str, int]] = defaultdict(dict)
    for database in databases:
        for row in Cursor.objects.using(database).order_by("context", "partition"):
            cursors[row.subscription][row.context, row.partition] = row
        for name, state, count in _deliveries(database):
            deliveries[name][state] = count
    # After the cursors: meanwhile both move on, and none is ahead of its log.
    heads = Heads({source for each in ours for source in each.sources})
    return [_standing(each, cursors[each.name], deliveries[each.name], heads) for each in ours]


class Heads:
    """The last position of each partition of some contexts, wherever their logs are."""

    def __init__(self, contexts: Iterable[str]) -> None:
        self._known: dict[Place, int | None] = {}
        self._redis_answers = True
        settings = get_settings()
        here = [context for context in contexts if settings.hosts(context)]
        for database in sorted({settings.database_of(context) for context in here}):
            rows = Partition.objects.using(database).filter(context__in=here)
            for context, number, head in rows.values_list("context", "number", "head"):
                self._known[context, number] = head

    def places(self, context: str) -> set[Place]:
        return {place for place in self._known if place[0] == context}

    def of(self, place: Place, at_least: int, subscriber: str) -> int | None:
        """The head; of a log elsewhere, how far its stream is, else what its owner says."""
        if place not in self._known:
            self._known[place] = self._elsewhere(place, at_least, subscriber)
        return self._known[place]

    def oldest_after(self, place: Place, position: int) -> datetime | None:
        """When the event after a position was published."""
        if get_settings().hosts(place[0]):
            rows = LoggedEvent.objects.using(get_settings().database_of(place[0]))
            rows = rows.filter(context=place[0], partition=place[1], position=position + 1)
            return rows.values_list("time", flat=True).first()
        try:
            events = stream.read(place, position, 1).events if self._redis_answers else []
        except StreamUnavailable:
            self._redis_answers = False
            return None
        return events[0].time if events else None

    def _elsewhere(self, place: Place, at_least: int, subscriber: str) -> int | None:
        if get_settings().hosts(place[0]):
            return 0
        try:
            last = stream.last_position(place) if self._redis_answers else 0
        except StreamUnavailable:
            self._redis_answers, last = False, 0
        if last >= max(at_least, 1):
            return last
        try:  # Redis is away, or has lost the stream
            return history.extent(subscriber, place).head
        except (LookupFailed, SettingsInvalid):
            return None


def _deliveries(database: str) -> Iterable[tuple[str, str, int]]:
    rows = Delivery.objects.using(database).values("subscription", "state").order_by()
    return rows.annotate(count=Count("pk")).values_list("subscription", "state", "count")


def _standing(
    of: Subscription, cursors: Mapping[Place, Cursor], deliveries: Mapping[str, int], heads: Heads
) -> Standing:
    known = {place for source in of.sources for place in heads.places(source)} if cursors else set()
    places = sorted(known | cursors.keys())
    stands = tuple(_stand(of, place, cursors.get(place), heads) for place in places)
    paused = next((each for each in cursors.values() if each.paused_at), None)
    pause = None
    if paused is not None and paused.paused_at is not None:
        pause = Pause(paused.paused_at, paused.paused_by, paused.paused_why)
    return Standing(of, stands, deliveries, pause)


def _stand(of: Subscription, place: Place, row: Cursor | None, heads: Heads) -> Stand:
    position = row.position if row else 0
    head = heads.of(place, position, of.context)
    waits = head is not None and head > position
    oldest = heads.oldest_after(place, position) if waits else None
    return Stand(place, position, head, oldest, row.moved_at if row else None)
