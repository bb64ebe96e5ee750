"""The survey as a graph: units in a ring, contexts beside each other, with all edges between them.

A context is a block that covers the places of its apps, so nothing moves when it is unfolded.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from carveout import ring
from carveout.place import Box
from carveout.survey.coupling import EVERY
from carveout.survey.found import Survey
from carveout.survey.report.units import Unit, listed

LETTER, PADDING = 7.2, 76.0
"""Of a name, and of the numbers beside it."""
WIDTH_MAX = 260.0
ENOUGH = 18
"""So many fill the page without being drawn larger."""


class Node(NamedTuple):
    unit: Unit
    box: Box
    head: Box
    """What is left of a context's box while it is unfolded."""

    @property
    def label(self) -> str:
        return _fitting("every app" if self.unit.name == EVERY else self.unit.name, self.head.width)


class Edge(NamedTuple):
    source: int
    target: int
    path: str


class Graph(NamedTuple):
    width: float
    height: float
    nodes: list[Node]
    edges: list[Edge]


def draw(found: Survey, units: Sequence[Unit]) -> Graph:
    seat = _seat(units)
    weights = _weights(found, units)
    arrows = [("edge", (str(source), str(target))) for source, target in weights]
    layout = ring.of_runs(_runs(units, weights), arrows, seat)
    nodes = [_node(unit, layout.boxes[str(unit.number)], seat) for unit in units]
    edges = [
        Edge(int(source), int(target), curve.path)
        for (_, (source, target)), curve in layout.curves.items()
    ]
    return Graph(layout.width, layout.height, nodes, edges)


def _weights(found: Survey, units: Sequence[Unit]) -> Counter[tuple[int, int]]:
    """Of each pair of units, folded or not, that couplings may be drawn between."""
    of_app = {app: unit for unit in units for app in unit.apps}
    weights: Counter[tuple[int, int]] = Counter()
    for each in listed(found):
        source, target = of_app[each.source], of_app[each.target]
        for one in {source.number, source.context}:
            weights.update((one, other) for other in {target.number, target.context})
    return Counter({pair: count for pair, count in weights.items() if _leads(pair, units)})


def _leads(pair: tuple[int, int], units: Sequence[Unit]) -> bool:
    """No edge leads from a context to itself or its own apps."""
    source, target = units[pair[0]], units[pair[1]]
    return source.context != target.context or not (source.is_context or target.is_context)


def _runs(units: Sequence[Unit], weights: Counter[tuple[int, int]]) -> list[list[str]]:
    contexts = [str(unit.number) for unit in units if unit.is_context]
    links = [
        (str(source), str(target))
        for (source, target), count in weights.items()
        if units[source].is_context and units[target].is_context
        for _ in range(count)
    ]
    return [
        [str(unit.number) for unit in units if str(unit.context) == context]
        for context in ring.ordered(contexts, links)
    ]


def _seat(units: Sequence[Unit]) -> ring.Seat:
    """Few are drawn larger: there is room for their arrows."""
    longest = max(len(unit.name) for unit in units)
    width = min(WIDTH_MAX, round(longest * LETTER + PADDING))
    more = max(0.0, 1 - len(units) / ENOUGH)
    gap_x, gap_y = ring.SEAT.gap_x + 150 * more, ring.SEAT.gap_y + 60 * more
    return ring.Seat(width, ring.SEAT.height * (1 + more), gap_x, gap_y)


def _node(unit: Unit, box: Box, seat: ring.Seat) -> Node:
    return Node(unit, box, Box(box.x, box.y, seat.width, seat.height))


def _fitting(name: str, width: float) -> str:
    """Shortened in the middle: names often differ at their ends."""
    letters = int((width - PADDING) / LETTER)
    if len(name) <= letters:
        return name
    return f"{name[: letters - letters // 2 - 1]}…{name[-(letters // 2) :]}"
