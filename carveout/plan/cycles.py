"""Cycles: contexts that need each other in a circle, and what to cut so that none is left."""

from collections.abc import Mapping

import msgspec

from carveout.survey.survey import Pair

Points = Mapping[Pair, float]


class Cycle(msgspec.Struct, frozen=True):
    contexts: list[str]
    cuts: list[Pair]
    """Without these, whoever is needed can go after those who need it. The cheapest first."""
    points: float


def cycles(points: Points) -> list[Cycle]:
    """By size, the largest first. Each context is in one at most."""
    from networkx import DiGraph, strongly_connected_components  # it takes 0.2 s to import

    found = strongly_connected_components(DiGraph(list(points)))
    groups = sorted((sorted(each) for each in found if len(each) > 1), key=lambda each: -len(each))
    return [_cycle(each, points) for each in groups]


def _cycle(group: list[str], points: Points) -> Cycle:
    within = {pair: cost for pair, cost in points.items() if {*pair} <= {*group}}
    place = {name: number for number, name in enumerate(_in_a_row(group, within))}
    cuts = [pair for pair in within if place[pair[0]] > place[pair[1]]]
    cuts.sort(key=lambda pair: (within[pair], pair))
    return Cycle(group, cuts, sum(within[pair] for pair in cuts))


def _in_a_row(group: list[str], points: Points) -> list[str]:
    """So that little points backwards; the best row takes too long to find.

    Source: Eades, Lin and Smyth, A fast and effective heuristic for the feedback arc set problem,
    1993, https://doi.org/10.1016/0020-0190(93)90079-O
    """
    first: list[str] = []
    last: list[str] = []
    left = [*group]
    while left:
        needs = _sums(left, points, 0)
        needed = _sums(left, points, 1)
        end = next((each for each in left if not needs[each]), None)
        if end is not None:
            last.insert(0, end)
        else:
            end = max(left, key=lambda each: (not needed[each], needs[each] - needed[each]))
            first.append(end)
        left.remove(end)
    return first + last


def _sums(left: list[str], points: Points, end: int) -> dict[str, float]:
    sums = dict.fromkeys(left, 0.0)
    for pair, cost in points.items():
        if {*pair} <= sums.keys():
            sums[pair[end]] += cost
    return sums
