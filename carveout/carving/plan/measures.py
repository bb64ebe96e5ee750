"""Measures a grouping as research on splitting monoliths does, with apps instead of classes.

Sources: Jin et al., Service Candidate Identification from Monolithic Systems Based on Execution
Traces (FoSCI), IEEE TSE 2021, https://doi.org/10.1109/TSE.2019.2910531; Kalia et al., Mono2Micro,
ESEC/FSE 2021, https://doi.org/10.1145/3468264.3473915
"""

from collections.abc import Iterable, Mapping
from itertools import combinations

import msgspec

from carveout.carving.plan.app_graph import Edge, Graph
from carveout.carving.plan.cut_line import CutLine

Grouping = Mapping[str, list[str]]


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    contexts: int
    modularity: float
    crossing: float
    interfaces: float
    extreme: float


def measures(
    grouping: Grouping, edges: Graph, lines: Iterable[CutLine], sizes: Mapping[str, int]
) -> Measures:
    return Measures(
        contexts=len(grouping),
        modularity=modularity(grouping, edges),
        crossing=crossing(grouping, edges),
        interfaces=interfaces(grouping, lines),
        extreme=extreme(grouping, sizes),
    )


def modularity(grouping: Grouping, edges: Iterable[Edge]) -> float:
    """Structural modularity (SM), from -1 to 1; higher is better.

    The average cohesion of contexts minus the average coupling of two contexts. Both are the
    share of coupled pairs of apps in all possible pairs. The cohesion of n apps with m coupled
    pairs is m / n², so a single app has none.
    """
    coupled = {*edges}
    groups = list(grouping.values())
    if not groups:
        return 0.0
    cohesion = [_between(each, each, coupled) / len(each) ** 2 for each in groups]
    coupling = [
        _between(one, other, coupled) / (len(one) * len(other))
        for one, other in combinations(groups, 2)
    ]
    return _average(cohesion) - _average(coupling)


def _between(one: list[str], other: list[str], coupled: set[Edge]) -> int:
    return sum(edge[0] in one and edge[1] in other for edge in coupled) + (
        sum(edge[1] in one and edge[0] in other for edge in coupled) if one is not other else 0
    )


def _average(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def crossing(grouping: Grouping, edges: Graph) -> float:
    """Inter-call percentage (ICP): the share of points between contexts; lower is better.

    The paper counts calls at run time; this counts the points to cut the couplings of two apps.
    """
    context = {app: name for name, apps in grouping.items() for app in apps}
    total = sum(edges.values())
    between = sum(points for (low, high), points in edges.items() if context[low] != context[high])
    return between / total if total else 0.0


def interfaces(grouping: Grouping, lines: Iterable[CutLine]) -> float:
    """Interface number (IFN): symbols of a context that others use, on average; lower is better.

    The paper counts classes that a service publishes; this counts symbols of the survey that
    another context names, except for those that only tests need.
    """
    context = {app: name for name, apps in grouping.items() for app in apps}
    used = {
        each.coupling.target_symbol
        for each in lines
        if not each.coupling.in_tests
        and each.coupling.source in context
        and each.coupling.target in context
        and context[each.coupling.source] != context[each.coupling.target]
    }
    return len(used) / len(grouping) if grouping else 0.0


def extreme(grouping: Grouping, sizes: Mapping[str, int]) -> float:
    """Non-extreme distribution (NED) as the paper writes it: 1 minus the share of modules that
    are in contexts of medium size; lower is better.

    The paper takes 5 to 20 classes as medium for every system; this takes half to twice the
    average.
    """
    modules = [sum(sizes.get(app, 1) for app in apps) for apps in grouping.values()]
    average = _average([float(each) for each in modules])
    medium = sum(each for each in modules if average / 2 <= each <= average * 2)
    return 1 - medium / sum(modules) if modules else 0.0
