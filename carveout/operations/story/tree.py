"""Builds the tree of a story: what all deployments know, in order of cause and time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
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
UNENDED = (*OPEN, "dead")
"""States without a time of their own: a step has them since the step before it ended."""


class StoryNode(msgspec.Struct, kw_only=True):
    """One line of the tree, and what belongs to it."""

    kind: str
    title: str
    event: str = ""
    """The id of the event, of an event's line and of a subscription's."""
    state: str = ""
    at: datetime | None = None
    """When it began, or since when it waits."""
    until: datetime | None = None
    """When it ended; None: at once, not yet, or not known."""
    after: str = ""
    """How long after the first event of the story it began."""
    took: str = ""
    text: str = ""
    due: datetime | None = None
    """The time that the text ends with."""
    error: str = ""
    traceback: str = ""
    children: list["StoryNode"] = []

    def walk(self) -> Iterator["StoryNode"]:
        """Itself, then all below it."""
        yield self
        for each in self.children:
            yield from each.walk()


class StoryTree(msgspec.Struct, kw_only=True):
    """All events of one correlation id, and what became of them."""

    correlation_id: str
    title: str
    """Its first event."""
    state: str
    began_at: datetime
    ended_at: datetime
    """The last that is known of it."""
    took: str
    events: int
    cut: bool
    nodes: list[StoryNode]
    moving: bool
    """May it change soon?"""

    def walk(self) -> Iterator[StoryNode]:
        """All lines, from above."""
        for each in self.nodes:
            yield from each.walk()


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
    stories = [build(root, of_it, found, cut) for root, of_it in by_root.items()]
    stories.sort(key=lambda each: each.began_at)
    return Stories(query=query, stories=stories, unreachable=unreachable)


def build(
    root: str, events: Sequence[StoryEvent], found: Sequence[Outcome], cut: bool
) -> StoryTree:
    """The tree of a story's events. found: outcomes, also of other events."""
    ids = {each.id for each in events}
    ours = [outcome for outcome in found if outcome.event in ids]
    first = min(events, key=lambda each: each.time)
    began_at = first.time
    by_event: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in ours:
        by_event[outcome.event].append(outcome)
    caused: dict[str, list[StoryEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda each: each.time):
        caused[event.causation_id if event.causation_id in ids else ""].append(event)
    nodes, waiting = [], caused[""]
    while waiting:
        nodes.append(_event(waiting.pop(0), caused, by_event, began_at, waiting))
    steps = [step for outcome in ours for step in outcome.steps]
    ends = [end for step in steps if (end := step.ended or step.at)]
    last = max([*ends, *(each.time for each in events)])
    state = _state(events, ours)
    return StoryTree(
        correlation_id=root,
        title=_title(first),
        state=state,
        began_at=began_at,
        ended_at=last,
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
        event=event.id,
        state="published",
        at=event.time,
        after=_after(event.time, began_at),
        children=[_shipping(event, began_at)],
    )
    outcomes = sorted(
        by_event[event.id], key=lambda outcome: (_began(outcome), outcome.subscription)
    )
    branches = {
        outcome.subscription: _subscription(outcome, event.time, began_at) for outcome in outcomes
    }
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
    times = [at.timestamp() for step in outcome.steps if (at := step.began or step.at)]
    return min(times, default=float("inf"))


_SHIPPED = {
    "in the stream": ("shipped", "in the stream"),
    "trimmed": ("shipped", "no longer in the stream; the log has it"),
    "no": ("waiting", "not in the stream yet"),
    "unknown": ("unknown", "Redis did not answer"),
    "": ("shipped", "delivered in process"),
}


def _shipping(event: StoryEvent, began_at: datetime) -> StoryNode:
    state, text, title = "waiting", "none given yet", "position"
    if event.position:
        state, text = _SHIPPED[event.shipped]
        title = f"{event.context}.{event.partition} position {event.position}"
    at = event.time if state in OPEN else None  # when it was shipped is not stored
    after = _after(at, began_at)
    return StoryNode(kind="shipping", title=title, state=state, text=text, at=at, after=after)


def _subscription(outcome: Outcome, published: datetime, began_at: datetime) -> StoryNode:
    steps, since = [], published
    for each in outcome.steps:
        steps.append(step := _step(each, since, began_at))
        since = step.until or step.at or since
    node = StoryNode(
        kind="job" if outcome.job else "subscription",
        title=outcome.subscription,
        event=outcome.event,
        state=outcome.state,
        at=min((each.at for each in steps if each.at), default=None),
        until=max((end for each in steps if (end := each.until or each.at)), default=None),
        children=steps,
    )
    if not steps and outcome.state in OPEN:
        node.at = published
    node.after = _after(node.at, began_at)
    if len(steps) == 1 and steps[0].state == outcome.state:  # it repeats the state
        (only,) = steps
        node.took, node.text, node.due, node.until = only.took, only.text, only.due, only.until
        node.children = only.children
    return node


def _step(step: OutcomeStep, since: datetime, began_at: datetime) -> StoryNode:
    """since: when the step before it ended."""
    at = step.began or step.at or (since if step.state in UNENDED else None)
    ended = step.ended or at
    return StoryNode(
        kind="step",
        title=step.text if step.text.startswith("attempt") else "",
        state=step.state,
        at=at,
        until=step.ended,
        after=_after(at, began_at),
        took="" if step.took_ms is None else duration(timedelta(milliseconds=step.took_ms)),
        text="" if step.text.startswith("attempt") else step.text,
        due=step.due,
        error=step.error,
        traceback=step.traceback,
        children=[
            *(_lookup(each, began_at) for each in step.lookups),
            *(_note(each, ended, began_at) for each in step.notes),
        ],
    )


def _lookup(call: LookupCall, began_at: datetime) -> StoryNode:
    at = _moment(call.began)
    return StoryNode(
        kind="lookup",
        title=call.of,
        state="failed" if call.failed else "looked up",
        at=at,
        until=_moment(call.began + call.took_ms / 1000) if at else None,
        after=_after(at, began_at),
        took=duration(timedelta(milliseconds=call.took_ms)),
        text="1 key" if call.keys == 1 else f"{call.keys} keys",
    )


def _note(text: str, ended: datetime | None, began_at: datetime) -> StoryNode:
    """A note counts from the end of its run: until then it may be rolled back."""
    after = _after(ended, began_at)
    return StoryNode(kind="note", title=text, state="noted", at=ended, after=after)


def _moment(seconds: float) -> datetime | None:
    """None for 0, and for what no time can be: other deployments' Redis may hold anything."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, OSError, ValueError):
        return None


def _after(at: datetime | None, began_at: datetime) -> str:
    """As +12 ms; "-" if another machine's clock is behind."""
    if at is None:
        return ""
    return f"{'-' if at < began_at else '+'}{duration(abs(at - began_at))}"


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
