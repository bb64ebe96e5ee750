"""Lists stories: the newest, the slowest, those that failed, and those that are under way.

It reads a limited number of rows from the end of the log and of the deliveries, so a list takes as
long with a million events as with a thousand. It asks no other deployment.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from operator import attrgetter

import msgspec

from carveout.conf.time_zones import in_utc
from carveout.models import Delivery
from carveout.operations.story import events as story_events
from carveout.operations.story.events import StoryEvent
from carveout.operations.story.outcomes import databases, outcomes
from carveout.operations.story.tree import OPEN, UNENDED, StoryTree, build

SHOWN = 25
"""Most stories of a list."""
EVENTS = 200
"""How many of the newest events are read in each database."""
DELIVERIES = 50
"""How many deliveries of each state are read in each database: those that are due last."""
LOGGED = 1_000
"""Most events of all stories of a list; later events are left out."""


def newest() -> list[StoryTree]:
    """The stories of the newest events."""
    return sorted(_stories(_newest_events(), SHOWN), key=attrgetter("began_at"), reverse=True)


def slowest() -> list[StoryTree]:
    """Of the stories of the newest events, those that took longest so far."""
    found = _stories(_newest_events())
    return sorted(found, key=lambda each: each.ended_at - each.began_at, reverse=True)[:SHOWN]


def failed() -> list[StoryTree]:
    """The stories of deliveries that died last and that nobody has decided about."""
    return list(_stories(_parked(Delivery.State.DEAD), SHOWN))


def under_way() -> list[StoryTree]:
    """The stories of deliveries that wait, and of the newest events that are not handled."""
    found = _stories([*_parked(*OPEN), *_newest_events()])
    return [each for each in found if each.state == "under way"][:SHOWN]


def held_up_at(story: StoryTree) -> list[str]:
    """The subscriptions that have not handled everything."""
    waiting = (each for each in story.walk() if each.event and each.state in UNENDED)
    return sorted({each.title for each in waiting})


def _newest_events() -> list[StoryEvent]:
    found = [each for name in databases() for each in story_events.newest(name, EVENTS)]
    return sorted(found, key=attrgetter("time"), reverse=True)


def _stories(seeds: Sequence[StoryEvent], limit: int | None = None) -> Iterator[StoryTree]:
    """The stories of these events, in their order, with what is stored here."""
    roots = list(dict.fromkeys(each.root for each in seeds))[:limit]
    logged, cut = story_events.events(roots, LOGGED)
    by_root: dict[str, dict[str, StoryEvent]] = defaultdict(dict)
    for each in (*seeds, *logged):  # of those in both, the latter know what was shipped
        by_root[each.root][each.id] = each
    shown = [each for root in roots for each in by_root[root].values()]
    found = outcomes([each.ref for each in shown])
    return (build(root, [*by_root[root].values()], found, cut) for root in roots)


class _EventCopy(msgspec.Struct):
    """What a delivery's copy of its event has, and its columns don't."""

    type: str
    time: datetime
    correlation_id: str = ""
    causation_id: str = ""


def _parked(*states: str) -> list[StoryEvent]:
    """The events of deliveries; the log that has them may be elsewhere."""
    rows = [
        row
        for database in databases()
        for state in states
        for row in Delivery.objects.using(database)
        .filter(state=state)
        .order_by("-due_at")[:DELIVERIES]
    ]
    return list(_events_of(sorted(rows, key=attrgetter("due_at"), reverse=True)))


def _events_of(rows: Iterable[Delivery]) -> Iterator[StoryEvent]:
    for row in rows:
        try:
            event = msgspec.json.decode(row.event, type=_EventCopy)
        except msgspec.MsgspecError:
            continue  # its own page shows what is wrong
        yield StoryEvent(
            id=str(row.event_id),
            type=event.type,
            context=row.context,
            key=row.key,
            time=in_utc(event.time),
            correlation_id=event.correlation_id,
            causation_id=event.causation_id,
            partition=row.partition,
            position=row.position,
        )
