"""Cycles: contexts that need each other in a circle, and what to cut so that none is left."""

from collections.abc import Mapping

import msgspec

from carveout.survey.found import Pair
from carveout.survey.report.clusters import blocks

Points = Mapping[Pair, float]


class Cycle(msgspec.Struct, frozen=True):
    contexts: list[str]
    cuts: list[Pair]
    """Without these, whoever is needed can go after those who need it. The cheapest first."""
    points: float


def cycles(points: Points) -> list[Cycle]:
    """By size, the largest first. Each context is in one at most."""
    groups = blocks({name for pair in points for name in pair}, points)
    found = [_cycle(each, points) for each in groups if len(each) > 1]
    return sorted(found, key=lambda each: -len(each.contexts))


def _cycle(group: list[str], points: Points) -> Cycle:
    """`group` is in a row in which little leads back."""
    within = {pair: cost for pair, cost in points.items() if {*pair} <= {*group}}
    cuts = [pair for pair in within if group.index(pair[0]) > group.index(pair[1])]
    cuts.sort(key=lambda pair: (within[pair], pair))
    return Cycle(sorted(group), cuts, sum(within[pair] for pair in cuts))
