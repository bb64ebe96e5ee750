"""Fetches the parts of a story: each deployment has its own, over the internal REST."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import msgspec

from carveout.conf import get_settings
from carveout.errors import CarveoutError, LookupRefused
from carveout.events.event import PartitionRef
from carveout.lookups import http
from carveout.operations.story import events as story_events
from carveout.operations.story.events import StoryEvent
from carveout.operations.story.outcomes import EventRef, Outcome, outcomes

EVENTS_PER_REQUEST = 40
NAMES_MAX = 100
"""How many correlation ids, or events, may be asked for at once."""


class StoryPart(msgspec.Struct, frozen=True):
    """What one deployment knows of a story."""

    roots: Sequence[str] = ()
    events: Sequence[StoryEvent] = ()
    fates: Sequence[Outcome] = ()
    cut: bool = False
    """Are there more events than these?"""


def part(query: str, correlations: Sequence[str], event_refs: Sequence[EventRef]) -> StoryPart:
    """What this deployment knows of a query, of correlation ids, or of events."""
    names = [each for each in correlations if "\0" not in each]
    events, cut = story_events.events(names, story_events.EVENTS_MAX)
    roots = story_events.roots(query) if query and "\0" not in query else []
    return StoryPart(roots, events, outcomes(event_refs) if event_refs else [], cut)


def ask(
    unreachable: dict[str, str],
    query: str = "",
    correlations: Sequence[str] = (),
    event_refs: Sequence[EventRef] = (),
) -> list[StoryPart]:
    """Asks all deployments. One that does not answer goes into `unreachable`,
    and is not asked again.
    """
    parts = [part(query, correlations, event_refs)]
    params = [("q", query)] if query else []
    params += [("correlation", each) for each in correlations]
    params += [("event", written(each)) for each in event_refs]
    for names in _elsewhere():
        if set(names) & unreachable.keys():
            continue
        try:
            parts.append(_fetch(names[0], params))
        except CarveoutError as error:
            unreachable.update(dict.fromkeys(names, str(error)))
    return parts


def outcomes_of(events: Sequence[StoryEvent], unreachable: dict[str, str]) -> list[Outcome]:
    """What became of these events in all deployments."""
    event_refs = [each.ref for each in events]
    found: dict[tuple[str, str], Outcome] = {}
    for first in range(0, len(event_refs), EVENTS_PER_REQUEST):
        for each in ask(unreachable, event_refs=event_refs[first : first + EVENTS_PER_REQUEST]):
            # Deployments may share a database.
            found |= {(outcome.event, outcome.subscription): outcome for outcome in each.fates}
    return list(found.values())


def _elsewhere() -> list[list[str]]:
    """The contexts that are not hosted here, grouped by where they answer."""
    by_url: dict[str, list[str]] = defaultdict(list)
    for context in get_settings().contexts.values():
        if not get_settings().hosts(context.name):
            by_url[context.url or context.name].append(context.name)
    return list(by_url.values())


def _fetch(owner: str, params: list[tuple[str, str]]) -> StoryPart:
    answer = http.get(get_settings().hosted[0], owner, f"stories/{owner}/", params)
    try:
        return msgspec.json.decode(answer, type=StoryPart)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise LookupRefused(f"{owner} did not answer with a story: {error}.") from error


def written(event: EventRef) -> str:
    """An event with its partition and position, for a URL."""
    return f"{event.id}/{event.type}/{event.ref.context}/{event.ref.number}/{event.position}"


def read(text: str) -> EventRef:
    """Reads what `written` wrote. Raises: ValueError: it is something else."""
    event_id, type_, context, partition, position = text.split("/")
    ref = PartitionRef(context, int(partition))
    return EventRef(str(UUID(event_id)), type_, ref, int(position))
