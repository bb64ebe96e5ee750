"""Stories: the events of our logs that one event, one key or one correlation id leads to."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.db.models import Q

from carveout import stream
from carveout.conf import get_settings
from carveout.errors import StreamUnavailable
from carveout.event import Place
from carveout.models import LoggedEvent
from carveout.moment import in_utc
from carveout.story.fate import databases

EVENTS_MAX = 300
"""Of one story; what comes later is left out, and that is said."""
ROOTS_MAX = 20
"""Of one key: the newest ones."""
_ORDER = ("correlation_id", "id")
"""By id alone would tempt a planner to walk through the whole log in that order."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a story, as its log has it."""

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
    """0: the relay has not given it one."""
    shipped: str = ""

    @property
    def root(self) -> str:
        return self.correlation_id or self.id


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


def events(correlations: Sequence[str]) -> tuple[list[Told], bool]:
    """The events of our logs that belong to these, in time order, and whether there are more."""
    ids = [each for name in correlations if (each := _uuid(name)) is not None]
    found: dict[str, Told] = {}
    for database in databases() if correlations else ():
        rows = LoggedEvent.objects.using(database).defer("data", "carried")
        for query in (_correlated(correlations), Q(event_id__in=ids)):
            for row in rows.filter(query).order_by(*_ORDER)[: EVENTS_MAX + 1]:
                found[str(row.event_id)] = _told(row)
    told = [each for each in found.values() if each.root in correlations]
    told.sort(key=lambda each: (each.time, each.position))
    return _with_shipping(told[:EVENTS_MAX]), len(told) > EVENTS_MAX


def _correlated(names: Sequence[str]) -> Q:
    """As the partial index has it: who stores no correlation id is not in there."""
    return Q(correlation_id__in=names, correlation_id__gt="")


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _told(row: LoggedEvent) -> Told:
    return Told(
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


def _with_shipping(told: Sequence[Told]) -> list[Told]:
    """Is each in its stream? Nobody writes down when it got there."""
    by_place: dict[Place, list[int]] = defaultdict(list)
    for each in told:
        if each.position:
            by_place[each.context, each.partition].append(each.position)
    if not get_settings().uses_redis:
        return list(told)
    known: dict[Place, tuple[int, set[int]]] = {}
    for place, positions in by_place.items():
        try:
            known[place] = stream.kept(place, positions)
        except StreamUnavailable:
            continue
    return [msgspec.structs.replace(each, shipped=_shipped(each, known)) for each in told]


def _shipped(told: Told, known: dict[Place, tuple[int, set[int]]]) -> str:
    if not told.position:
        return "no"
    if (told.context, told.partition) not in known:
        return "unknown"
    last, held = known[told.context, told.partition]
    if told.position in held:
        return "in the stream"
    return "trimmed" if told.position <= last else "no"
