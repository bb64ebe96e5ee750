"""The tree of a story: what all deployments tell, put in order of cause and time."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from carveout import story, transport
from carveout.annotation import LookedUp
from carveout.conf import get_settings
from carveout.errors import CarveoutError, LookupRefused
from carveout.fate import Fate, Heard, Step, fates
from carveout.story import Told

EVENTS_PER_REQUEST = 40
STILL = timedelta(minutes=10)
"""What has not moved for so long is not looked at again and again."""
OPEN = ("waiting", "queued", "trying")


class Part(msgspec.Struct, frozen=True):
    """What one deployment tells."""

    roots: Sequence[str] = ()
    events: Sequence[Told] = ()
    fates: Sequence[Fate] = ()
    cut: bool = False
    """Are there more events than are told?"""


class Node(msgspec.Struct, kw_only=True):
    """One line of the tree, and what belongs to it."""

    kind: str
    title: str
    state: str = ""
    at: datetime | None = None
    after: str = ""
    """How long after the first event of the story."""
    took: str = ""
    text: str = ""
    error: str = ""
    traceback: str = ""
    children: list["Node"] = []


class Story(msgspec.Struct, kw_only=True):
    """All events of one correlation id, and what became of them."""

    correlation_id: str
    state: str
    began_at: datetime
    took: str
    events: int
    cut: bool
    nodes: list[Node]
    moving: bool
    """May it look different in a moment?"""


class Stories(msgspec.Struct, kw_only=True):
    """What a query leads to, and which contexts did not answer."""

    query: str
    stories: list[Story]
    silent: dict[str, str] = {}


def part(query: str, correlations: Sequence[str], heard: Sequence[Heard]) -> Part:
    """What this deployment tells of a query, of correlation ids, or of events."""
    events, cut = story.events(correlations)
    roots = story.roots(query) if query else []
    return Part(roots, events, fates(heard) if heard else [], cut)


def find(query: str) -> Stories:
    """The stories that an event's id, a key or a correlation id leads to, in all deployments."""
    silent: dict[str, str] = {}
    roots = list(dict.fromkeys(root for each in _ask(silent, query=query) for root in each.roots))
    told = _ask(silent, correlations=roots) if roots else []
    events = {each.id: each for answer in told for each in answer.events}
    heard = [Heard(e.id, e.type, (e.context, e.partition), e.position) for e in events.values()]
    found = {
        (fate.event, fate.subscription): fate  # deployments may share a database
        for first in range(0, len(heard), EVENTS_PER_REQUEST)
        for answer in _ask(silent, heard=heard[first : first + EVENTS_PER_REQUEST])
        for fate in answer.fates
    }
    cut = any(answer.cut for answer in told)
    stories = [
        _story(
            root, [each for each in events.values() if each.root == root], [*found.values()], cut
        )
        for root in roots
    ]
    return Stories(
        query=query, stories=sorted(stories, key=lambda each: each.began_at), silent=silent
    )


# -- What the deployments tell -----------------------------------------------------------------


def _ask(
    silent: dict[str, str],
    query: str = "",
    correlations: Sequence[str] = (),
    heard: Sequence[Heard] = (),
) -> list[Part]:
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


# -- The tree ----------------------------------------------------------------------------------


def _story(root: str, events: Sequence[Told], found: Sequence[Fate], cut: bool) -> Story:
    ids = {each.id for each in events}
    ours = [fate for fate in found if fate.event in ids]
    began_at = min(each.time for each in events)
    by_event: dict[str, list[Fate]] = defaultdict(list)
    for fate in ours:
        by_event[fate.event].append(fate)
    caused: dict[str, list[Told]] = defaultdict(list)
    for told in sorted(events, key=lambda each: each.time):
        caused[told.causation_id if told.causation_id in ids else ""].append(told)
    nodes = [_event(each, caused, by_event, began_at) for each in caused[""]]
    ends = [step.at for fate in ours for step in fate.steps if step.at]
    last = max([*ends, *(each.time for each in events)])
    state = _state(events, ours)
    return Story(
        correlation_id=root,
        state=state,
        began_at=began_at,
        took=duration(last - began_at),
        events=len(events),
        cut=cut,
        nodes=nodes,
        moving=state == "under way" and datetime.now(UTC) - last < STILL,
    )


def _state(events: Sequence[Told], found: Sequence[Fate]) -> str:
    if any(each.state == "dead" for each in found):
        return "given up"
    on_the_way = any(each.shipped == "no" for each in events)
    return "under way" if on_the_way or any(each.state in OPEN for each in found) else "done"


def _event(
    told: Told,
    caused: dict[str, list[Told]],
    by_event: dict[str, list[Fate]],
    began_at: datetime,
) -> Node:
    node = Node(
        kind="event",
        title=f"{told.type} {told.key}",
        state="published",
        at=told.time,
        after=f"+{duration(told.time - began_at)}",
        children=[_shipping(told)],
    )
    heard = sorted(by_event[told.id], key=lambda fate: (_began(fate), fate.subscription))
    branches = {fate.subscription: _subscription(fate, began_at) for fate in heard}
    node.children += branches.values()
    for child in caused[told.id]:
        # The log knows which event was handled, not by whom: told if there is only one.
        of_context = [name for name in branches if name.split(".")[0] == child.context]
        above = branches[of_context[0]] if len(of_context) == 1 else node
        above.children.append(_event(child, caused, by_event, began_at))
    return node


def _began(fate: Fate) -> float:
    times = [step.at.timestamp() for step in fate.steps if step.at]
    return min(times, default=float("inf"))


_SHIPPED = {
    "in the stream": ("shipped", "in the stream"),
    "trimmed": ("shipped", "no longer in the stream; the log has it"),
    "no": ("waiting", "not in the stream yet"),
    "unknown": ("unknown", "Redis did not answer"),
    "": ("shipped", "delivered in process"),
}


def _shipping(told: Told) -> Node:
    if not told.position:
        return Node(kind="shipping", title="position", state="waiting", text="none given yet")
    state, text = _SHIPPED[told.shipped]
    title = f"{told.context}.{told.partition} position {told.position}"
    return Node(kind="shipping", title=title, state=state, text=text)


def _subscription(fate: Fate, began_at: datetime) -> Node:
    kind = "job" if fate.job else "subscription"
    node = Node(kind=kind, title=fate.subscription, state=fate.state)
    steps = [_step(each, began_at) for each in fate.steps]
    if len(steps) == 1 and steps[0].state == fate.state:  # it says the same
        only = steps[0]
        node.at, node.after, node.took, node.text = only.at, only.after, only.took, only.text
        node.children = only.children
    else:
        node.children = steps
    return node


def _step(step: Step, began_at: datetime) -> Node:
    return Node(
        kind="step",
        title=step.text if step.text.startswith("attempt") else "",
        state=step.state,
        at=step.at,
        after=f"+{duration(step.at - began_at)}" if step.at else "",
        took="" if step.took_ms is None else duration(timedelta(milliseconds=step.took_ms)),
        text="" if step.text.startswith("attempt") else step.text,
        error=step.error,
        traceback=step.traceback,
        children=[
            *(_lookup(each) for each in step.lookups),
            *(Node(kind="note", title=each, state="noted") for each in step.notes),
        ],
    )


def _lookup(looked_up: LookedUp) -> Node:
    return Node(
        kind="lookup",
        title=looked_up.of,
        state="failed" if looked_up.failed else "looked up",
        took=duration(timedelta(milliseconds=looked_up.took_ms)),
        text="1 key" if looked_up.keys == 1 else f"{looked_up.keys} keys",
    )


def duration(span: timedelta) -> str:
    """As a person says it: 12 ms, 1.2 s, 3 min 4 s, 2 h 5 min, 3 d 4 h."""
    seconds = span.total_seconds()
    if abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"
