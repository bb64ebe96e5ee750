"""The graph of apps: how dear it would be to cut each two of them apart."""

from collections.abc import Iterable, Mapping

from carveout.plan.line import Line
from carveout.survey.coupling import EVERY

Edge = tuple[str, str]
"""Two apps, in order of their names."""
Graph = dict[Edge, float]
"""Points between two apps, both directions together."""


def graph(lines: Iterable[Line], apps: Iterable[str]) -> Graph:
    """Between these apps only."""
    edges: Graph = {}
    known = {*apps} - {EVERY}
    for each in lines:
        ends = {each.coupling.source, each.coupling.target}
        if len(ends) == 2 and ends <= known:
            low, high = sorted(ends)
            edges[low, high] = edges.get((low, high), 0) + each.points
    return edges


def neighbours(edges: Iterable[Edge]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for low, high in edges:
        found.setdefault(low, set()).add(high)
        found.setdefault(high, set()).add(low)
    return found


def degrees(edges: Mapping[Edge, float]) -> dict[str, float]:
    """Points of each app, over all that it is coupled with."""
    found: dict[str, float] = {}
    for edge, points in edges.items():
        for app in edge:
            found[app] = found.get(app, 0) + points
    return found
