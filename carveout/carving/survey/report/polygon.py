"""Lays out a few boxes as the corners of a polygon, with straight lines between all of them."""

from collections.abc import Sequence
from math import cos, pi, sin

from carveout.operations.contextmap.layout.circular import MARGIN, Seat
from carveout.operations.contextmap.layout.geometry import Box, Curve, Drawing, Link, Point

CORNERS_MAX = 8
"""With more, lines would cross the boxes at the sides."""
RADIUS_X, RADIUS_Y = 2.0, 4.0
"""From the middle to the middle of a box, in widths and in heights of a box."""


def of_runs(
    runs: Sequence[Sequence[str]], arrows: Sequence[tuple[str, Link]], seat: Seat
) -> Drawing:
    """Lays out runs of one box each, clockwise from the top."""
    reach_x, reach_y = RADIUS_X * seat.width, RADIUS_Y * seat.height
    boxes = {}
    for number, (name,) in enumerate(runs):
        angle = 2 * pi * number / len(runs) - _start(len(runs))
        x, y = reach_x * (1 + cos(angle)), reach_y * (1 + sin(angle))
        boxes[name] = Box(MARGIN + x, MARGIN + y, seat.width, seat.height)
    curves = {(kind, link): _line(boxes[link[0]], boxes[link[1]]) for kind, link in arrows}
    width, height = 2 * (MARGIN + reach_x) + seat.width, 2 * (MARGIN + reach_y) + seat.height
    return Drawing(width, height, boxes, curves)


def _start(count: int) -> float:
    """One corner at the top if their number is odd, else two side by side."""
    return pi / 2 if count % 2 else pi / 2 + pi / count


def _line(one: Box, other: Box) -> Curve:
    start, end = _border(one, other.middle), _border(other, one.middle)
    return Curve(start, _between(start, end, 1 / 3), _between(start, end, 2 / 3), end)


def _border(box: Box, to: Point) -> Point:
    """Where the line from the box's middle to a point outside leaves the box."""
    x, y = to.x - box.middle.x, to.y - box.middle.y
    share = min(
        box.width / 2 / abs(x) if x else float("inf"),
        box.height / 2 / abs(y) if y else float("inf"),
    )
    return _between(box.middle, to, share)


def _between(one: Point, other: Point, share: float) -> Point:
    return Point(one.x + (other.x - one.x) * share, one.y + (other.y - one.y) * share)
