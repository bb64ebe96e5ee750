"""Suggests which apps could become a context together."""

from collections.abc import Iterable

import msgspec

from carveout.carving.plan.app_graph import Graph, degrees, graph, neighbours
from carveout.carving.plan.communities import Groups, communities
from carveout.carving.plan.cut_line import CutLine

APPS_MIN = 5
"""With fewer apps there is nothing to group."""
HUB_SHARE = 0.75
"""Share of the other apps that a hub is coupled with; it would draw all into one group."""
HUB_MIN = 4
STARTS_WITHOUT = 5
"""Runs without each kind: enough to see whether that kind alone made the groups."""


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    contexts: dict[str, list[str]]
    """Each is named after the app that is coupled most within it; empty if no groups stand out."""
    hubs: list[str]
    """Apps coupled with nearly all others: they hold the rest together, and go last."""
    modularity: float
    """Of the groups without hubs: 0 is chance, from 0.3 on there is structure."""
    steadiness: float
    """How often two grouped apps stay together from other starting points, or without one kind of
    coupling; 1 is always."""
    why: str
    kept: dict[str, list[str]] = {}
    """Contexts that are already declared, if only the other apps are grouped."""

    @property
    def all(self) -> dict[str, list[str]]:
        return {**self.kept, **self.contexts}

    @property
    def line(self) -> str:
        """The grouping as a value for `--contexts`."""
        return "; ".join(f"{name}={','.join(apps)}" for name, apps in self.all.items())


def suggestion(lines: list[CutLine], apps: list[str]) -> Suggestion:
    """Groups apps by what it costs to cut them apart, without hubs."""
    if len(apps) < APPS_MIN:
        return _none([], f"{len(apps)} apps are too few to group; make each a context")
    edges = graph(lines, apps)
    hubs = _hubs(edges, apps)
    rest = [each for each in apps if each not in hubs]
    near = neighbours(edge for edge in edges if not {*edge} & {*hubs})
    grouped = [each for each in rest if each in near]
    if len(grouped) < 3:
        return _none(hubs, "nearly every app needs nearly every other, so no groups stand out")
    (best, groups), *others = communities(_within(edges, grouped), grouped)
    varied = [each for _, each in others] + _without_a_kind(lines, grouped)
    return Suggestion(
        contexts=_named([*groups, *_around(hubs, rest, grouped, edges)], hubs, edges),
        hubs=hubs,
        modularity=best,
        steadiness=steadiness(groups, varied),
        why="",
    )


def _none(hubs: list[str], why: str) -> Suggestion:
    return Suggestion(contexts={}, hubs=hubs, modularity=0, steadiness=0, why=why)


def _hubs(edges: Graph, apps: list[str]) -> list[str]:
    near = neighbours(edges)
    enough = max(HUB_MIN, HUB_SHARE * (len(apps) - 1))
    return [app for app in apps if len(near.get(app, ())) >= enough]


def _within(edges: Graph, apps: Iterable[str]) -> Graph:
    known = {*apps}
    return {edge: points for edge, points in edges.items() if {*edge} <= known}


def _around(hubs: list[str], rest: list[str], grouped: list[str], edges: Graph) -> Groups:
    """Each hub with the apps that are coupled with hubs only; uncoupled apps are groups of one."""
    groups = {hub: [hub] for hub in hubs}
    for app in rest:
        if app not in grouped:
            points = {hub: edges.get((min(app, hub), max(app, hub)), 0) for hub in hubs}
            most = max(points, key=lambda hub: (points[hub], hub), default=app)
            home = most if points.get(most) else app
            groups.setdefault(home, []).append(app)
    return [sorted(each) for each in groups.values()]


def _named(groups: Groups, hubs: list[str], edges: Graph) -> dict[str, list[str]]:
    """Groups by name, the largest first. A group is named after its hub, else after the app that
    is coupled most."""
    named = {}
    for group in sorted(groups, key=lambda each: (-len(each), each)):
        within = degrees(_within(edges, group))
        rank = {app: (app in hubs, within.get(app, 0), app) for app in group}
        named[max(group, key=rank.__getitem__)] = group
    return named


def _without_a_kind(lines: list[CutLine], apps: list[str]) -> list[Groups]:
    """The groups found when one kind of coupling is left out."""
    kinds = sorted({each.coupling.kind for each in lines})
    varied = []
    for kind in kinds:
        edges = graph((each for each in lines if each.coupling.kind != kind), apps)
        if edges:
            varied.append(communities(edges, apps, STARTS_WITHOUT)[0][1])
    return varied


def steadiness(groups: Groups, varied: list[Groups]) -> float:
    """The average share of the pairs of apps in `groups` that the varied groups keep together."""
    together = _pairs(groups)
    if not together or not varied:
        return 1.0
    return sum(len(together & _pairs(each)) for each in varied) / len(together) / len(varied)


def _pairs(groups: Groups) -> set[tuple[str, str]]:
    return {(one, other) for group in groups for one in group for other in group if one < other}
