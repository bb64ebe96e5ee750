"""Cycles: contexts that need each other in a circle, and the cheapest way out."""

from collections.abc import Mapping

import msgspec

from carveout.survey.survey import Pair


class Cycle(msgspec.Struct, frozen=True):
    contexts: list[str]
    cheapest: Pair
    """Of the pairs in it the one that costs least to cut."""
    points: float


def cycles(points: Mapping[Pair, float]) -> list[Cycle]:
    """By size, the largest first. Each context is in one at most."""
    from networkx import DiGraph, strongly_connected_components  # it takes 0.2 s to import

    found = strongly_connected_components(DiGraph(list(points)))
    groups = sorted((sorted(each) for each in found if len(each) > 1), key=lambda each: -len(each))
    return [_cycle(each, points) for each in groups]


def _cycle(group: list[str], points: Mapping[Pair, float]) -> Cycle:
    within = {pair: cost for pair, cost in points.items() if {*pair} <= {*group}}
    cheapest = min(within, key=lambda pair: (within[pair], pair))
    return Cycle(group, cheapest, within[cheapest])
