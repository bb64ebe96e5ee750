"""Finds apps whose migrations depend on each other in a cycle: none can be moved alone."""

from collections.abc import Iterable, Iterator

import msgspec

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.dangers.danger import Danger

KIND = "migration cycle"
ARROW = " → "
ORDERING = ("dependency", "run before")
Graph = dict[str, set[str]]
"""By app: the apps whose migrations must run before some of its own."""


def marked(found: Iterable[Coupling]) -> Iterator[Coupling]:
    """The same couplings; those in a cycle name it in their details."""
    couplings = list(found)
    graph: Graph = {}
    for each in couplings:
        if each.form in ORDERING:
            before, after = _order(each)
            graph.setdefault(after, set()).add(before)
    for each in couplings:
        yield _marked(each, graph) if each.form in ORDERING else each


def cycles(couplings: Iterable[Coupling]) -> Iterator[Danger]:
    """Each shortest cycle once, at the place of its first dependency."""
    reported: set[frozenset[str]] = set()
    for each in couplings:
        way = each.details.get("cycle", "")
        apps = frozenset(way.split(ARROW))
        if way and apps not in reported:
            reported.add(apps)
            yield Danger(
                kind=KIND,
                app=each.source,
                symbol=each.source_symbol,
                file=each.file,
                line=each.line,
                target_symbol=each.target_symbol,
                text=f"the migrations of these apps depend on each other in a cycle: {way}",
            )


def _order(each: Coupling) -> tuple[str, str]:
    if each.form == "run before":
        return each.source, each.target
    return each.target, each.source


def _marked(each: Coupling, graph: Graph) -> Coupling:
    before, after = _order(each)
    back = _way(before, after, graph)
    if not back:
        return each
    return msgspec.structs.replace(
        each, details={**each.details, "cycle": ARROW.join([after, *back])}
    )


def _way(start: str, end: str, graph: Graph) -> list[str]:
    """The shortest path of dependencies, both ends included, or an empty list."""
    waiting = [[start]]
    seen = {start}
    while waiting:
        way = waiting.pop(0)
        if way[-1] == end:
            return way
        for each in sorted(graph.get(way[-1], set()) - seen):
            seen.add(each)
            waiting.append([*way, each])
    return []
