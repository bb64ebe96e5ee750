"""Finds counterparts in two lists of effects: equal ones by hash, differing ones by likeness."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Any

from carveout.seams.effects.comparing.effect import Effect
from carveout.seams.effects.comparing.net_changes import frozen

PAIRED_MAX = 200
"""So many differing effects of one name are compared each with each."""

Pair = tuple[Effect, Effect]
"""The effect of the call, and of the event."""
Features = set[Hashable]


class Unpaired:
    """The effects that have no counterpart yet."""

    def __init__(self, call: Iterable[Effect], event: Iterable[Effect]) -> None:
        self.call, self.event = [*call], [*event]

    def take(self, pairs: Collection[Pair]) -> Collection[Pair]:
        """Remove pairs. Returns: them."""
        if not pairs:
            return pairs
        taken = {effect for pair in pairs for effect in pair}
        self.call = [each for each in self.call if each not in taken]
        self.event = [each for each in self.event if each not in taken]
        return pairs

    def equal(self, identity: Callable[[Effect], Hashable]) -> Collection[Pair]:
        """Take those with the same identity; None is not an identity."""
        if not self.call or not self.event:
            return []
        events = _grouped(self.event, identity)
        found: list[Pair] = []
        for key, calls in _grouped(self.call, identity).items():
            if key is not None and key in events:
                found += zip(_by_soft(calls), _by_soft(events[key]), strict=False)
        return self.take(found)

    def in_order(self, are_equal: Callable[[Effect, Effect], bool]) -> Collection[Pair]:
        """Take those that are equal in the order in which they were made.

        It finds what `equal` leaves because of numbers that happen to be keys of other rows too.
        """
        events = _grouped(self.event, _name)
        found: list[Pair] = []
        for name, calls in _grouped(self.call, _name).items():
            pairs = zip(calls, events.get(name, []), strict=False)
            found += [pair for pair in pairs if are_equal(*pair)]
        return self.take(found)

    def alike(self, features: Callable[[Effect], Features]) -> Collection[Pair]:
        """Take those of one name that have the most in common, at least about a half."""
        events = _grouped(self.event, _name)
        found: list[Pair] = []
        for name, calls in _grouped(self.call, _name).items():
            found += _most_alike(calls[:PAIRED_MAX], events.get(name, [])[:PAIRED_MAX], features)
        return self.take(found)


def _grouped(
    effects: Iterable[Effect], identity: Callable[[Effect], Hashable]
) -> dict[Hashable, list[Effect]]:
    found: dict[Hashable, list[Effect]] = defaultdict(list)
    for each in effects:
        found[identity(each)].append(each)
    return found


def _name(effect: Effect) -> str:
    return effect.name


def _by_soft(effects: list[Effect]) -> list[Effect]:
    """Nearly equal values meet, whatever the order."""
    return sorted(effects, key=_soft_order) if effects[0].soft and len(effects) > 1 else effects


def _soft_order(effect: Effect) -> list[tuple[bool, float, str]]:
    return [_order(value) for _, value in sorted(effect.soft.items())]


def _order(value: Any) -> tuple[bool, float, str]:
    try:
        return (False, float(value), "")
    except (TypeError, ValueError, OverflowError):
        return (True, 0.0, str(value))


def _most_alike(
    calls: list[Effect], events: list[Effect], features: Callable[[Effect], Features]
) -> list[Pair]:
    of_calls, of_events = [*map(features, calls)], [*map(features, events)]
    scored = sorted(
        (-len(one & other), at, place)
        for at, one in enumerate(of_calls)
        for place, other in enumerate(of_events)
        if _are_alike(one, other)
    )
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, at, place in scored:
        if at not in found and place not in taken:
            found[at] = place
            taken.add(place)
    return [(calls[at], events[place]) for at, place in found.items()]


def _are_alike(one: Features, other: Features) -> bool:
    most = max(len(one), len(other))
    return len(one & other) >= most // 2


def features_of(effect: Effect, value: Callable[[str, Any], Any]) -> Features:
    """The fields of an effect, to count how many are equal."""
    fields = {(name, frozen(value(name, each))) for name, each in effect.fields.items()}
    fields |= {(name, row.label or row.name) for name, row in effect.links.items()}
    return fields | {(name, frozen(each)) for name, each in effect.soft.items()}
