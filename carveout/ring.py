"""Layout of many contexts: around a rectangle, with arrows through its middle."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import atan2, dist

from carveout.place import Box, Curve, Layout, Link, Point

WIDTH, HEIGHT = 124.0, 28.0
STEP_X, STEP_Y, CORNER, MARGIN = 134.0, 36.0, 34.0, 6.0
INWARD, INWARD_SHARE = 22.0, 0.4
"""How far an arrow leaves its box straight on: so much, and a share of how far it goes."""
INTO = {"b": (0, 1), "t": (0, -1), "r": (1, 0), "l": (-1, 0)}
NEAR = 5
"""Neighbours in the ring whose links decide who comes next."""


def layout(names: Iterable[str], arrows: Sequence[tuple[str, Link]]) -> Layout:
    order = _order(sorted(names), [link for _, link in arrows])
    boxes, width, height = _boxes(order)
    ports = _ports(boxes, arrows)
    curves = {
        (kind, (one, other)): _curve(
            ports[one, kind, (one, other)],
            ports[other, kind, (one, other)],
            boxes[one],
            boxes[other],
        )
        for kind, (one, other) in arrows
    }
    return Layout(width, height, boxes, curves)


def _curve(start: Point, end: Point, one: Box, other: Box) -> Curve:
    depth = INWARD + INWARD_SHARE * dist(start, end)
    return Curve(start, _inward(start, one, depth), _inward(end, other, depth), end)


def _inward(port: Point, box: Box, depth: float) -> Point:
    x, y = INTO[box.faces]
    return Point(port.x + x * depth, port.y + y * depth)


def _order(names: list[str], links: Sequence[Link]) -> list[str]:
    """Each next to those with whom it has most to do."""
    weight: dict[frozenset[str], int] = defaultdict(int)
    for link in links:
        weight[frozenset(link)] += 1
    total = {name: sum(name in pair for pair in weight) for name in names}
    order = [max(names, key=lambda name: total[name])]
    left = [name for name in names if name != order[0]]
    while left:
        near = order[-NEAR:]
        following = max(left, key=lambda name: sum(weight[frozenset((name, n))] for n in near))
        order.append(following)
        left.remove(following)
    return order


def _boxes(order: Sequence[str]) -> tuple[dict[str, Box], float, float]:
    """Clockwise from the upper left corner: top, right side, bottom, left side."""
    across = max(2, len(order) * 3 // 20)
    down = (len(order) - 2 * across + 1) // 2
    inner_x, inner_y = MARGIN + WIDTH + CORNER, MARGIN + HEIGHT + CORNER
    width = 2 * inner_x + across * STEP_X - (STEP_X - WIDTH)
    height = 2 * inner_y + down * STEP_Y - (STEP_Y - HEIGHT)
    right, bottom = width - MARGIN - WIDTH, height - MARGIN - HEIGHT
    columns = [inner_x + number * STEP_X for number in range(across)]
    rows = [inner_y + number * STEP_Y for number in range(down)]
    spots = [Box(x, MARGIN, WIDTH, HEIGHT, "b") for x in columns]
    spots += [Box(right, y, WIDTH, HEIGHT, "l") for y in rows]
    spots += [Box(x, bottom, WIDTH, HEIGHT, "t") for x in reversed(columns)]
    spots += [Box(MARGIN, y, WIDTH, HEIGHT, "r") for y in reversed(rows)]
    return dict(zip(order, spots, strict=False)), width, height


def _ports(
    boxes: Mapping[str, Box], arrows: Sequence[tuple[str, Link]]
) -> dict[tuple[str, str, Link], Point]:
    """Along the inner side of each box, in the order in which the others are seen from it."""
    ends: dict[str, list[tuple[float, str, Link]]] = defaultdict(list)
    for kind, link in arrows:
        for here, there in (link, link[::-1]):
            ends[here].append((_angle(boxes[here], boxes[there].middle), kind, link))
    ports = {}
    for name, ours in ends.items():
        for number, (_, kind, link) in enumerate(sorted(ours), start=1):
            ports[name, kind, link] = _port(boxes[name], number / (len(ours) + 1))
    return ports


def _angle(box: Box, other: Point) -> float:
    """From one end of the inner side to the other, without a jump between."""
    x, y = other.x - box.middle.x, other.y - box.middle.y
    along, away = (x, abs(y)) if box.faces in "tb" else (y, abs(x))
    return atan2(along, away)


def _port(box: Box, share: float) -> Point:
    along = Point(box.x + box.width * share, box.y + box.height * share)
    return {
        "b": Point(along.x, box.y + box.height),
        "t": Point(along.x, box.y),
        "r": Point(box.x + box.width, along.y),
        "l": Point(box.x, along.y),
    }[box.faces]
