"""Draws the survey as a graph: units in a ring, the apps of a context together, with all edges.

A context is a block that covers the seats of its apps, so nothing moves when it is unfolded. A few
units without blocks are the corners of a polygon, with straight lines between them.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from carveout.carving.survey.coupling import EVERY
from carveout.carving.survey.report import polygon
from carveout.carving.survey.report.units import Unit, listed
from carveout.carving.survey.result import Survey
from carveout.operations.contextmap.layout import circular
from carveout.operations.contextmap.layout.geometry import Box, Curve, Drawing

LETTER, PADDING = 7.2, 76.0
"""The width of a letter of a name, and of the numbers beside the name."""
WIDTH_MAX = 260.0
EDGE = "edge"
ENOUGH = 18
"""How many units fill the page without being drawn larger."""


class GraphNode(NamedTuple):
    unit: Unit
    box: Box
    head: Box
    """The part of a context's box that stays while it is unfolded."""

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
    nodes: list[GraphNode]
    edges: list[Edge]


def draw(found: Survey, units: Sequence[Unit]) -> Graph:
    seat = _seat(units)
    weights = _weights(found, units)
    runs = _runs(units, weights)
    lines = sorted({min(pair, pair[::-1]) for pair in weights})
    arrows = [(EDGE, (str(one), str(other))) for one, other in lines]
    is_polygon = len(runs) == len(units) <= polygon.CORNERS_MAX
    layout = (polygon if is_polygon else circular).of_runs(runs, arrows, seat)
    nodes = [_node(unit, layout.boxes[str(unit.number)], seat) for unit in units]
    edges = [Edge(*pair, _curve(layout, *map(str, pair)).path) for pair in weights]
    return Graph(layout.width, layout.height, nodes, edges)


def _curve(layout: Drawing, source: str, target: str) -> Curve:
    """Two units that need each other have one line, which the page splits in the middle."""
    there = layout.curves.get((EDGE, (source, target)))
    return there or Curve(*layout.curves[EDGE, (target, source)][::-1])


def _weights(found: Survey, units: Sequence[Unit]) -> Counter[tuple[int, int]]:
    """By pair of units, folded or not, that an edge may connect: the number of couplings."""
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
        for context in circular.ordered(contexts, links)
    ]


def _seat(units: Sequence[Unit]) -> circular.Seat:
    """The size of a unit's seat: few units are drawn larger, so their arrows have room."""
    longest = max(len(unit.name) for unit in units)
    width = min(WIDTH_MAX, round(longest * LETTER + PADDING))
    more = max(0.0, 1 - len(units) / ENOUGH)
    gap_x, gap_y = circular.SEAT.gap_x + 150 * more, circular.SEAT.gap_y + 60 * more
    return circular.Seat(width, circular.SEAT.height * (1 + more), gap_x, gap_y)


def _node(unit: Unit, box: Box, seat: circular.Seat) -> GraphNode:
    return GraphNode(unit, box, Box(box.x, box.y, seat.width, seat.height))


def _fitting(name: str, width: float) -> str:
    """The name, shortened in the middle, because names often differ at their ends."""
    letters = int((width - PADDING) / LETTER)
    if len(name) <= letters:
        return name
    return f"{name[: letters - letters // 2 - 1]}…{name[-(letters // 2) :]}"
