"""The tree of a story: what all deployments tell, put in order of cause and time."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from carveout.annotation import LookedUp
from carveout.story.fate import Fate, Step
from carveout.story.parts import NAMES_MAX, ask, fates_of
from carveout.story.told import Told

STILL = timedelta(minutes=10)
"""What has not moved for so long is not looked at again and again."""
DEPTH_MAX = 10
"""Events below each other; two contexts that answer each other for ever would go on and on."""
OPEN = ("waiting", "queued", "trying")


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
    due: datetime | None = None
    """When the time comes that the text ends with."""
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


def find(query: str) -> Stories:
    """The stories that an event's id, a key or a correlation id leads to, in all deployments."""
    silent: dict[str, str] = {}
    roots = [root for part in ask(silent, query=query) for root in part.roots]
    parts = ask(silent, correlations=list(dict.fromkeys(roots))[:NAMES_MAX]) if roots else []
    events = {each.id: each for part in parts for each in part.events}
    found = fates_of([*events.values()], silent)
    cut = any(part.cut for part in parts)
    by_root: dict[str, list[Told]] = defaultdict(list)
    for told in events.values():
        by_root[told.root].append(told)
    stories = [_story(root, of_it, found, cut) for root, of_it in by_root.items()]
    stories.sort(key=lambda each: each.began_at)
    return Stories(query=query, stories=stories, silent=silent)


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
    nodes, waiting = [], caused[""]
    while waiting:
        nodes.append(_event(waiting.pop(0), caused, by_event, began_at, waiting))
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
    too_deep: list[Told],
    depth: int = 1,
) -> Node:
    """An event and what follows from it; what is caused deeper than `DEPTH_MAX` is put aside."""
    node = Node(
        kind="event",
        title=_title(told),
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
        if depth < DEPTH_MAX:
            below = _event(child, caused, by_event, began_at, too_deep, depth + 1)
            above.children.append(below)
        else:
            above.children.append(Node(kind="note", title=_title(child), text="told further below"))
            too_deep.append(child)
    return node


def _title(told: Told) -> str:
    return f"{told.type} {told.key}"


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
        node.due = only.due
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
        due=step.due,
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
