"""Finds what follows when an event is published, through the events that handlers publish.

It relies on what was observed: handlers of this event published events of that type. Where an
event has not been handled yet, its subscriptions may publish any event of their context. Nothing
is guessed beyond such a guess.
"""

from collections import deque

import msgspec

from carveout.operations.contextmap.context_map import ContextMap, MappedEvent


class DownstreamStep(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription handles an event."""

    event: str
    subscription: str
    context: str
    sure: bool
    """No step before it is a guess."""
    publishes: list[str]
    """What handlers of the event in this context were observed to publish."""
    may_publish: list[str]


class Downstream(msgspec.Struct, frozen=True, kw_only=True):
    """Events with whether they are sure to follow, and the steps in order."""

    start: str
    events: dict[str, bool]
    steps: list[DownstreamStep]

    @property
    def subscriptions(self) -> dict[str, bool]:
        """Those that handle something of it, and whether they are sure to."""
        return {step.subscription: step.sure for step in reversed(self.steps)}


def downstream(start: str, drawn: ContextMap) -> Downstream:
    """Returns what follows an event, the sure things first."""
    events = {event.type: event for event in drawn.events}
    followed: dict[str, bool] = {}
    steps: list[DownstreamStep] = []
    waiting = deque([(start, True)])
    while waiting:
        name, sure = waiting.popleft()
        if name in followed or name not in events:
            continue
        followed[name] = sure
        for step in _steps(events[name], drawn, sure=sure):
            steps.append(step)
            waiting.extendleft((each, True) for each in reversed(step.publishes) if sure)
            waiting.extend((each, False) for each in step.publishes if not sure)
            waiting.extend((each, False) for each in step.may_publish)
    return Downstream(start=start, events=followed, steps=steps)


def _steps(event: MappedEvent, drawn: ContextMap, *, sure: bool) -> list[DownstreamStep]:
    context_of = {each.name: each.context for each in drawn.subscriptions}
    return [
        DownstreamStep(
            event=event.type,
            subscription=name,
            context=context_of[name],
            sure=sure,
            publishes=_published(event.type, context_of[name], drawn),
            may_publish=_guessed(event, context_of[name], context_of, drawn) if sure else [],
        )
        for name in event.heard_by
    ]


def _published(cause: str, context: str, drawn: ContextMap) -> list[str]:
    seen = drawn.observed.causes.get(cause, {}) if drawn.observed else {}
    return sorted(each for each in seen if each.split(".")[0] == context)


def _guessed(
    event: MappedEvent, context: str, context_of: dict[str, str], drawn: ContextMap
) -> list[str]:
    """Empty if something was observed, or if the event was handled and nothing followed."""
    subscribers = [name for name in event.heard_by if context_of[name] == context]
    seen = drawn.observed.subscriptions if drawn.observed else {}
    handled = any(event.type in seen[name].types for name in subscribers if name in seen)
    if handled or _published(event.type, context, drawn):
        return []
    return [each.type for each in drawn.events if each.publisher == context]
