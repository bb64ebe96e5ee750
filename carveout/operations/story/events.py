"""Reads the events of our logs that an event, a key or a correlation id leads to."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.db.models import Q

from carveout.conf import get_settings
from carveout.conf.time_zones import in_utc
from carveout.errors import StreamUnavailable
from carveout.events.event import PartitionRef
from carveout.models import LoggedEvent
from carveout.operations.story.outcomes import EventRef, databases
from carveout.redis import streams

EVENTS_MAX = 300
"""Per story; later events are left out, and the story shows that there are more."""
ROOTS_MAX = 20
"""Per key: the newest ones."""
_ORDER = ("correlation_id", "id")
"""Ordering by id alone would tempt a query planner to walk the whole log in that order."""


class StoryEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a story, as its log holds it."""

    id: str
    type: str
    context: str
    key: str
    time: datetime
    correlation_id: str
    causation_id: str = ""
    traceparent: str = ""
    partition: int = 0
    position: int = 0
    """0: the relay has not given it one yet."""
    shipped: str = ""

    @property
    def root(self) -> str:
        return self.correlation_id or self.id

    @property
    def ref(self) -> EventRef:
        return EventRef(
            self.id, self.type, PartitionRef(self.context, self.partition), self.position
        )


def roots(query: str) -> list[str]:
    """The correlation ids that an event's id, a key or a correlation id leads to, oldest first."""
    found: dict[str, datetime] = {}
    for database in databases():
        rows = LoggedEvent.objects.using(database)
        lookups = [rows.filter(key=query).order_by("-id")[:EVENTS_MAX]]
        lookups.append(rows.filter(_correlated([query])).order_by(*_ORDER)[:1])
        if (event_id := _uuid(query)) is not None:
            lookups.append(rows.filter(event_id=event_id))
        for found_rows in lookups:
            for name, event_id, time in found_rows.values_list(
                "correlation_id", "event_id", "time"
            ):
                root = name or str(event_id)
                found[root] = min(time, found.get(root, time))
    newest = sorted(found, key=lambda root: found[root])
    return newest[-ROOTS_MAX:]


def newest(database: str, limit: int) -> list[StoryEvent]:
    """The newest events of the logs in a database."""
    rows = LoggedEvent.objects.using(database).defer("data", "carried").order_by("-id")
    return [_story_event(row) for row in rows[:limit]]


def events(correlations: Sequence[str], limit: int) -> tuple[list[StoryEvent], bool]:
    """The events of our logs with these ids, in time order, and whether there are more.

    limit: of those of all ids together.
    """
    ids = [each for name in correlations if (each := _uuid(name)) is not None]
    found: dict[str, StoryEvent] = {}
    for database in databases() if correlations else ():
        rows = LoggedEvent.objects.using(database).defer("data", "carried")
        for query in (_correlated(correlations), Q(event_id__in=ids)):
            for row in rows.filter(query).order_by(*_ORDER)[: limit + 1]:
                found[str(row.event_id)] = _story_event(row)
    wanted = set(correlations)
    ours = [each for each in found.values() if each.root in wanted]
    ours.sort(key=lambda each: (each.time, each.position))
    return _with_shipping(ours[:limit]), len(ours) > limit


def _correlated(names: Sequence[str]) -> Q:
    """Matches the partial index, which leaves out events without a correlation id."""
    return Q(correlation_id__in=names, correlation_id__gt="")


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _story_event(row: LoggedEvent) -> StoryEvent:
    return StoryEvent(
        id=str(row.event_id),
        type=row.type,
        context=row.context,
        key=row.key,
        time=in_utc(row.time),
        correlation_id=row.correlation_id,
        causation_id=row.causation_id,
        traceparent=row.traceparent,
        partition=row.partition or 0,
        position=row.position or 0,
    )


def _with_shipping(events: Sequence[StoryEvent]) -> list[StoryEvent]:
    """Adds whether each is in its stream. When it got there is not stored."""
    by_ref: dict[PartitionRef, list[int]] = defaultdict(list)
    for each in events:
        if each.position:
            by_ref[PartitionRef(each.context, each.partition)].append(each.position)
    if not get_settings().uses_redis:
        return list(events)
    known: dict[PartitionRef, tuple[int, set[int]]] = {}
    for ref, positions in by_ref.items():
        try:
            known[ref] = streams.find_entries(ref, positions)
        except StreamUnavailable:
            continue
    return [msgspec.structs.replace(each, shipped=_shipped(each, known)) for each in events]


def _shipped(event: StoryEvent, known: dict[PartitionRef, tuple[int, set[int]]]) -> str:
    if not event.position:
        return "no"
    ref = PartitionRef(event.context, event.partition)
    if ref not in known:
        return "unknown"
    last, held = known[ref]
    if event.position in held:
        return "in the stream"
    return "trimmed" if event.position <= last else "no"
