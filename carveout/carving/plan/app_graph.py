"""Builds the graph of apps, weighted by what it would cost to cut two apps apart."""

from collections.abc import Iterable, Mapping

from carveout.carving.plan.cut_line import CutLine
from carveout.carving.survey.coupling import EVERY

Edge = tuple[str, str]
"""Two apps, sorted by name."""
Graph = dict[Edge, float]
"""Points between two apps, both directions together."""


def graph(lines: Iterable[CutLine], apps: Iterable[str]) -> Graph:
    """The graph between these apps only."""
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
    """The sum of points of each app, over all apps that it is coupled with."""
    found: dict[str, float] = {}
    for edge, points in edges.items():
        for app in edge:
            found[app] = found.get(app, 0) + points
    return found
