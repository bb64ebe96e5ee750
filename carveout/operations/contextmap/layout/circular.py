"""Lays out many contexts: around a rectangle, with arrows through its middle."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise, product
from math import atan2, dist
from typing import NamedTuple

from carveout.operations.contextmap.layout.geometry import Box, Curve, Drawing, Link, Point

CORNER, MARGIN = 34.0, 6.0
INWARD, INWARD_SHARE = 22.0, 0.4
"""How far an arrow leaves its box straight on: a fixed part, and a share of its length."""
INTO = {"b": (0, 1), "t": (0, -1), "r": (1, 0), "l": (-1, 0)}
NEAR = 5
"""Neighbours in the ring whose links decide which box comes next."""


class Seat(NamedTuple):
    """The size of a box in the ring, and the gaps to the next one, beside and below."""

    width: float = 124.0
    height: float = 28.0
    gap_x: float = 10.0
    gap_y: float = 8.0


SEAT = Seat()


def layout(names: Iterable[str], arrows: Sequence[tuple[str, Link]]) -> Drawing:
    order = ordered(sorted(names), [link for _, link in arrows])
    return of_runs([[name] for name in order], arrows)


def of_runs(
    runs: Sequence[Sequence[str]], arrows: Sequence[tuple[str, Link]], seat: Seat = SEAT
) -> Drawing:
    """Lays out runs of boxes that stay together. The first box of a run spans the whole run."""
    boxes, width, height = _boxes(runs, seat)
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
    return Drawing(width, height, boxes, curves)


def _curve(start: Point, end: Point, one: Box, other: Box) -> Curve:
    depth = INWARD + INWARD_SHARE * dist(start, end)
    return Curve(start, _inward(start, one, depth), _inward(end, other, depth), end)


def _inward(port: Point, box: Box, depth: float) -> Point:
    x, y = INTO[box.faces]
    return Point(port.x + x * depth, port.y + y * depth)


def ordered(names: Sequence[str], links: Iterable[Link]) -> list[str]:
    """Puts each name near those that it has most links with; a link given twice counts twice."""
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


def _boxes(runs: Sequence[Sequence[str]], seat: Seat) -> tuple[dict[str, Box], float, float]:
    """Clockwise from the upper left corner: top, right side, bottom, left side."""
    wide, high, gap_x, gap_y = seat
    sides = _sides(runs, seat)
    across = max(2, *map(_seat_count, sides[::2]))
    down = max(map(_seat_count, sides[1::2]))
    inner_x = MARGIN + wide + CORNER
    inner_y = MARGIN + (high + CORNER if any(sides[::2]) else 0)
    width = 2 * inner_x + across * (wide + gap_x) - gap_x
    height = 2 * inner_y + down * (high + gap_y) - gap_y
    right, bottom = width - MARGIN - wide, height - MARGIN - high
    columns = [inner_x + number * (wide + gap_x) for number in range(across)]
    rows = [inner_y + number * (high + gap_y) for number in range(down)]
    seats = (
        [Box(x, MARGIN, wide, high, "b") for x in columns],
        [Box(right, y, wide, high, "l") for y in rows],
        [Box(x, bottom, wide, high, "t") for x in columns],
        [Box(MARGIN, y, wide, high, "r") for y in rows],
    )
    boxes: dict[str, Box] = {}
    for side, free in zip(sides, seats, strict=True):
        boxes |= _seated(side, free)
    return boxes, width, height


Side = Sequence[Sequence[str]]


def _sides(runs: Side, seat: Seat) -> tuple[Side, Side, Side, Side]:
    """Splits the runs among the sides, none around a corner. Sides run rightwards or downwards."""
    total = _seat_count(runs)
    across = max(2, round(total * 3 // 20 * SEAT.width / seat.width))
    down = max(0, (total - 2 * across + 1) // 2)
    aims = (across, down, across, down)
    before = [0, *accumulate(map(len, runs))]

    def unlike(cuts: Sequence[int]) -> tuple[int, int]:
        lengths = [before[end] - before[start] for start, end in pairwise((0, *cuts, len(runs)))]
        off = sum((length - aim) ** 2 for length, aim in zip(lengths, aims, strict=True))
        return off, max(lengths[::2])

    near = [_ends_near(end, before) for end in accumulate(aims[:3])]
    one, two, three = min((cuts for cuts in product(*near) if [*cuts] == sorted(cuts)), key=unlike)
    return runs[:one], runs[one:two], runs[two:three][::-1], runs[three:][::-1]


def _ends_near(seat: int, before: Sequence[int]) -> set[int]:
    """After how many runs a side may end that has room up to this seat."""
    return {bisect_right(before, seat) - 1, min(bisect_left(before, seat), len(before) - 1)}


def _seat_count(runs: Iterable[Sequence[str]]) -> int:
    return sum(map(len, runs))


def _seated(side: Side, seats: Sequence[Box]) -> Iterator[tuple[str, Box]]:
    """Centres the boxes on a side that is longer."""
    free = (len(seats) - _seat_count(side)) // 2
    for run in side:
        ours, free = seats[free : free + len(run)], free + len(run)
        yield run[0], _spanning(ours[0], ours[-1])
        yield from zip(run[1:], ours[1:], strict=True)


def _spanning(one: Box, other: Box) -> Box:
    width, height = other.x + other.width - one.x, other.y + other.height - one.y
    return Box(one.x, one.y, width, height, one.faces)


def _ports(
    boxes: Mapping[str, Box], arrows: Sequence[tuple[str, Link]]
) -> dict[tuple[str, str, Link], Point]:
    """Where arrows end: along each box's inner side, in the order of the boxes they lead to."""
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
    """The direction of another box, from one end of the inner side to the other."""
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
