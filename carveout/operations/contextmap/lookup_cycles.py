"""Finds cycles of lookups: contexts whose handlers wait for each other.

A handler that looks something up waits while the owner is down. If the owner's handlers look
something up here, each waits for the other: neither can be deployed, restored or caught up first.

A lookup by a page or a service does not count: a visitor gets an error at once, and no
subscription waits. A lookup whose data the event carries does not count either: nobody is asked.
"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

from carveout.contracts.contract import Contracts, EventUse, LookupUse, lookup_uses
from carveout.contracts.needs import event_uses_that_need
from carveout.contracts.violation import Violation


class Leg(NamedTuple):
    """A lookup that a handler of one context makes in another."""

    subscription: str
    at: str
    reader: str
    lookup: str

    def __str__(self) -> str:
        return f"{self.subscription} ({self.at}) reads {self.lookup} as {self.reader}"


Legs = dict[tuple[str, str], Leg]
"""By the asking context and the asked one."""


def cycles(contracts: Contracts) -> Iterator[Violation]:
    """Yields cycles without a common leg; one that shares a leg shows once that is fixed."""
    legs = _legs(contracts)
    while cycle := _cycle(legs):
        found = [legs.pop(pair) for pair in pairwise(cycle)]
        way = " → ".join(cycle)
        legs_text = "; ".join(map(str, found))
        yield Violation(found[0].at, f"handlers wait for each other, {way}: {legs_text}.")


def _legs(contracts: Contracts) -> Legs:
    legs: Legs = {}
    for lookup_use in lookup_uses(contracts):
        for event_use in event_uses_that_need(lookup_use, contracts):
            if lookup_use.owner != lookup_use.context and not _travels(
                lookup_use, event_use, contracts
            ):
                leg = Leg(
                    event_use.subscription,
                    event_use.declared.at,
                    lookup_use.label,
                    lookup_use.lookup,
                )
                legs.setdefault((lookup_use.context, lookup_use.owner), leg)
    return legs


def _travels(lookup_use: LookupUse, event_use: EventUse, contracts: Contracts) -> bool:
    """Does the event carry what the reader would look up?"""
    owner = contracts.get(event_use.owner)
    event = owner.events.get(event_use.type) if owner else None
    return event is not None and event.carries == lookup_use.lookup and not lookup_use.reader.by


def _cycle(legs: Legs) -> list[str]:
    """Contexts that each ask the next, the first one again at the end, or an empty list."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for asks, asked in sorted(legs):
        sorter.add(asked, asks)
    try:
        sorter.prepare()
    except CycleError as error:
        contexts: list[str] = error.args[1][:-1]
        first = contexts.index(min(contexts))
        return [*contexts[first:], *contexts[: first + 1]]
    return []
