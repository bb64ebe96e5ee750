"""Builds the tree of a story: what all deployments know, in order of cause and time."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from carveout.operations.story.deployments import NAMES_MAX, ask, outcomes_of
from carveout.operations.story.events import StoryEvent
from carveout.operations.story.outcomes import Outcome, OutcomeStep
from carveout.telemetry.notes import LookupCall

STILL = timedelta(minutes=10)
"""A story without a change for this long is not refreshed any more."""
DEPTH_MAX = 10
"""Levels of events; two contexts could answer each other for ever."""
OPEN = ("waiting", "queued", "trying")


class StoryNode(msgspec.Struct, kw_only=True):
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
    """The time that the text ends with."""
    error: str = ""
    traceback: str = ""
    children: list["StoryNode"] = []


class StoryTree(msgspec.Struct, kw_only=True):
    """All events of one correlation id, and what became of them."""

    correlation_id: str
    state: str
    began_at: datetime
    took: str
    events: int
    cut: bool
    nodes: list[StoryNode]
    moving: bool
    """May it change soon?"""


class Stories(msgspec.Struct, kw_only=True):
    """What a query leads to, and which contexts did not answer."""

    query: str
    stories: list[StoryTree]
    unreachable: dict[str, str] = {}


def find(query: str) -> Stories:
    """The stories that an event's id, a key or a correlation id leads to, in all deployments."""
    unreachable: dict[str, str] = {}
    roots = [root for part in ask(unreachable, query=query) for root in part.roots]
    parts = ask(unreachable, correlations=list(dict.fromkeys(roots))[:NAMES_MAX]) if roots else []
    events = {each.id: each for part in parts for each in part.events}
    found = outcomes_of([*events.values()], unreachable)
    cut = any(part.cut for part in parts)
    by_root: dict[str, list[StoryEvent]] = defaultdict(list)
    for event in events.values():
        by_root[event.root].append(event)
    stories = [_story(root, of_it, found, cut) for root, of_it in by_root.items()]
    stories.sort(key=lambda each: each.began_at)
    return Stories(query=query, stories=stories, unreachable=unreachable)


def _story(
    root: str, events: Sequence[StoryEvent], found: Sequence[Outcome], cut: bool
) -> StoryTree:
    ids = {each.id for each in events}
    ours = [outcome for outcome in found if outcome.event in ids]
    began_at = min(each.time for each in events)
    by_event: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in ours:
        by_event[outcome.event].append(outcome)
    caused: dict[str, list[StoryEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda each: each.time):
        caused[event.causation_id if event.causation_id in ids else ""].append(event)
    nodes, waiting = [], caused[""]
    while waiting:
        nodes.append(_event(waiting.pop(0), caused, by_event, began_at, waiting))
    ends = [step.at for outcome in ours for step in outcome.steps if step.at]
    last = max([*ends, *(each.time for each in events)])
    state = _state(events, ours)
    return StoryTree(
        correlation_id=root,
        state=state,
        began_at=began_at,
        took=duration(last - began_at),
        events=len(events),
        cut=cut,
        nodes=nodes,
        moving=state == "under way" and datetime.now(UTC) - last < STILL,
    )


def _state(events: Sequence[StoryEvent], found: Sequence[Outcome]) -> str:
    if any(each.state == "dead" for each in found):
        return "given up"
    on_the_way = any(each.shipped == "no" for each in events)
    return "under way" if on_the_way or any(each.state in OPEN for each in found) else "done"


def _event(
    event: StoryEvent,
    caused: dict[str, list[StoryEvent]],
    by_event: dict[str, list[Outcome]],
    began_at: datetime,
    too_deep: list[StoryEvent],
    depth: int = 1,
) -> StoryNode:
    """An event and what follows from it. Events below `DEPTH_MAX` are put into `too_deep`."""
    node = StoryNode(
        kind="event",
        title=_title(event),
        state="published",
        at=event.time,
        after=f"+{duration(event.time - began_at)}",
        children=[_shipping(event)],
    )
    outcomes = sorted(
        by_event[event.id], key=lambda outcome: (_began(outcome), outcome.subscription)
    )
    branches = {outcome.subscription: _subscription(outcome, began_at) for outcome in outcomes}
    node.children += branches.values()
    for child in caused[event.id]:
        # The log knows which event was handled, not by whom: shown if only one is possible.
        of_context = [name for name in branches if name.split(".")[0] == child.context]
        above = branches[of_context[0]] if len(of_context) == 1 else node
        if depth < DEPTH_MAX:
            below = _event(child, caused, by_event, began_at, too_deep, depth + 1)
            above.children.append(below)
        else:
            above.children.append(
                StoryNode(kind="note", title=_title(child), text="shown further below")
            )
            too_deep.append(child)
    return node


def _title(event: StoryEvent) -> str:
    return f"{event.type} {event.key}"


def _began(outcome: Outcome) -> float:
    times = [step.at.timestamp() for step in outcome.steps if step.at]
    return min(times, default=float("inf"))


_SHIPPED = {
    "in the stream": ("shipped", "in the stream"),
    "trimmed": ("shipped", "no longer in the stream; the log has it"),
    "no": ("waiting", "not in the stream yet"),
    "unknown": ("unknown", "Redis did not answer"),
    "": ("shipped", "delivered in process"),
}


def _shipping(event: StoryEvent) -> StoryNode:
    if not event.position:
        return StoryNode(kind="shipping", title="position", state="waiting", text="none given yet")
    state, text = _SHIPPED[event.shipped]
    title = f"{event.context}.{event.partition} position {event.position}"
    return StoryNode(kind="shipping", title=title, state=state, text=text)


def _subscription(outcome: Outcome, began_at: datetime) -> StoryNode:
    kind = "job" if outcome.job else "subscription"
    node = StoryNode(kind=kind, title=outcome.subscription, state=outcome.state)
    steps = [_step(each, began_at) for each in outcome.steps]
    if len(steps) == 1 and steps[0].state == outcome.state:  # it repeats the state
        only = steps[0]
        node.at, node.after, node.took, node.text = only.at, only.after, only.took, only.text
        node.due = only.due
        node.children = only.children
    else:
        node.children = steps
    return node


def _step(step: OutcomeStep, began_at: datetime) -> StoryNode:
    return StoryNode(
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
            *(StoryNode(kind="note", title=each, state="noted") for each in step.notes),
        ],
    )


def _lookup(call: LookupCall) -> StoryNode:
    return StoryNode(
        kind="lookup",
        title=call.of,
        state="failed" if call.failed else "looked up",
        took=duration(timedelta(milliseconds=call.took_ms)),
        text="1 key" if call.keys == 1 else f"{call.keys} keys",
    )


def duration(span: timedelta) -> str:
    """As a person writes it: 12 ms, 1.2 s, 3 min 4 s, 2 h 5 min, 3 d 4 h."""
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
