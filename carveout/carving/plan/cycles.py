"""Finds cycles of contexts that need each other, and what to cut to break each cycle."""

from collections.abc import Mapping

import msgspec

from carveout.carving.survey.report.matrix_order import blocks
from carveout.carving.survey.result import Pair

Points = Mapping[Pair, float]


class Cycle(msgspec.Struct, frozen=True):
    contexts: list[str]
    cuts: list[Pair]
    """Without these, each context needs only those that are carved later. The cheapest first."""
    points: float


def cycles(points: Points) -> list[Cycle]:
    """All cycles, the largest first. Each context is in at most one."""
    groups = blocks({name for pair in points for name in pair}, points)
    found = [_cycle(each, points) for each in groups if len(each) > 1]
    return sorted(found, key=lambda each: -len(each.contexts))


def _cycle(group: list[str], points: Points) -> Cycle:
    """`group` is ordered so that few couplings point backwards."""
    within = {pair: cost for pair, cost in points.items() if {*pair} <= {*group}}
    cuts = [pair for pair in within if group.index(pair[0]) > group.index(pair[1])]
    cuts.sort(key=lambda pair: (within[pair], pair))
    return Cycle(sorted(group), cuts, sum(within[pair] for pair in cuts))
