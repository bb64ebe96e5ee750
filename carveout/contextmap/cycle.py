"""Cycles of lookups: contexts whose handlers wait for each other.

A handler that looks something up waits while the owner is away. If the owner's handlers look
something up here, each waits for the other: neither can be deployed, restored or caught up first.

It is no cycle if a page or a service looks something up: a visitor gets an error at once, and no
subscription waits. Nor if the events carry what the handler asks for: then nobody is asked.
"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

from carveout.contracts.contract import Contracts, Heard, Read, reads
from carveout.contracts.needs import askers
from carveout.remark import Remark


class Leg(NamedTuple):
    """A handler of one context that asks another."""

    subscription: str
    at: str
    reader: str
    lookup: str

    def __str__(self) -> str:
        return f"{self.subscription} ({self.at}) asks for {self.reader} of {self.lookup}"


Legs = dict[tuple[str, str], Leg]
"""By the context that asks and the one that is asked."""


def cycles(contracts: Contracts) -> Iterator[Remark]:
    """Cycles that have no leg in common; a cycle that shares one shows when that is mended."""
    legs = _legs(contracts)
    while cycle := _cycle(legs):
        found = [legs.pop(pair) for pair in pairwise(cycle)]
        way = " → ".join(cycle)
        told = "; ".join(map(str, found))
        yield Remark(found[0].at, f"handlers wait for each other, {way}: {told}.")


def _legs(contracts: Contracts) -> Legs:
    legs: Legs = {}
    for read in reads(contracts):
        for heard in askers(read, contracts):
            if read.owner != read.context and not _travels(read, heard, contracts):
                leg = Leg(heard.subscription, heard.hearing.at, read.label, read.lookup)
                legs.setdefault((read.context, read.owner), leg)
    return legs


def _travels(read: Read, heard: Heard, contracts: Contracts) -> bool:
    """Does the event carry what the reader would look up?"""
    owner = contracts.get(heard.owner)
    event = owner.events.get(heard.type) if owner else None
    return event is not None and event.carries == read.lookup and not read.reader.by


def _cycle(legs: Legs) -> list[str]:
    """Contexts of which each asks the next, the first one again at the end; empty if none do."""
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
