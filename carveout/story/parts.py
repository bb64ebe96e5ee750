"""The parts of a story: each deployment tells its own, over the internal REST."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import msgspec

from carveout import transport
from carveout.conf import get_settings
from carveout.errors import CarveoutError, LookupRefused
from carveout.story import told
from carveout.story.fate import Fate, Heard, fates
from carveout.story.told import Told

EVENTS_PER_REQUEST = 40
NAMES_MAX = 100
"""Correlation ids, or events, that may be asked for at once."""


class Part(msgspec.Struct, frozen=True):
    """What one deployment tells."""

    roots: Sequence[str] = ()
    events: Sequence[Told] = ()
    fates: Sequence[Fate] = ()
    cut: bool = False
    """Are there more events than are told?"""


def part(query: str, correlations: Sequence[str], heard: Sequence[Heard]) -> Part:
    """What this deployment tells of a query, of correlation ids, or of events."""
    events, cut = told.events([each for each in correlations if "\0" not in each])
    roots = told.roots(query) if query and "\0" not in query else []
    return Part(roots, events, fates(heard) if heard else [], cut)


def ask(
    silent: dict[str, str],
    query: str = "",
    correlations: Sequence[str] = (),
    heard: Sequence[Heard] = (),
) -> list[Part]:
    """What all deployments tell. Who does not answer goes into `silent`, and is left alone."""
    parts = [part(query, correlations, heard)]
    params = [("q", query)] if query else []
    params += [("correlation", each) for each in correlations]
    params += [("event", written(each)) for each in heard]
    for names in _elsewhere():
        if set(names) & silent.keys():
            continue
        try:
            parts.append(_fetch(names[0], params))
        except CarveoutError as error:
            silent.update(dict.fromkeys(names, str(error)))
    return parts


def fates_of(events: Sequence[Told], silent: dict[str, str]) -> list[Fate]:
    """What became of these events in all deployments."""
    heard = [Heard(e.id, e.type, (e.context, e.partition), e.position) for e in events]
    found: dict[tuple[str, str], Fate] = {}
    for first in range(0, len(heard), EVENTS_PER_REQUEST):
        for each in ask(silent, heard=heard[first : first + EVENTS_PER_REQUEST]):
            # Deployments may share a database.
            found |= {(fate.event, fate.subscription): fate for fate in each.fates}
    return list(found.values())


def _elsewhere() -> list[list[str]]:
    """The contexts that are not hosted here, by where they answer."""
    by_url: dict[str, list[str]] = defaultdict(list)
    for context in get_settings().contexts.values():
        if not get_settings().hosts(context.name):
            by_url[context.url or context.name].append(context.name)
    return list(by_url.values())


def _fetch(owner: str, params: list[tuple[str, str]]) -> Part:
    answer = transport.get(get_settings().hosted[0], owner, f"stories/{owner}/", params)
    try:
        return msgspec.json.decode(answer, type=Part)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise LookupRefused(f"{owner} does not answer as a stories API: {error}.") from error


def written(heard: Heard) -> str:
    """An event and its place, for a URL."""
    return f"{heard.id}/{heard.type}/{heard.place[0]}/{heard.place[1]}/{heard.position}"


def read(text: str) -> Heard:
    """What `written` wrote. Raises: ValueError: something else."""
    event_id, type_, context, partition, position = text.split("/")
    return Heard(str(UUID(event_id)), type_, (context, int(partition)), int(position))
