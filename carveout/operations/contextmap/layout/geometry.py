"""Points, boxes and curves of a picture, in pixels before it is scaled to the page."""

from collections.abc import Mapping
from itertools import pairwise
from math import dist
from typing import NamedTuple

Link = tuple[str, str]
"""From one context to another."""


class Point(NamedTuple):
    x: float
    y: float


class Box(NamedTuple):
    """A context's box. In a ring its arrows begin and end at the side `faces`: l, r, t or b."""

    x: float
    y: float
    width: float
    height: float
    faces: str = ""

    @property
    def middle(self) -> Point:
        return Point(self.x + self.width / 2, self.y + self.height / 2)

    @property
    def right(self) -> float:
        return self.x + self.width


class Curve(NamedTuple):
    """A cubic Bézier curve."""

    start: Point
    first: Point
    second: Point
    end: Point

    @property
    def path(self) -> str:
        """For the `d` of an SVG path."""
        points = [f"{point.x:.1f} {point.y:.1f}" for point in self]
        return f"M{points[0]}C{points[1]} {points[2]} {points[3]}"

    @property
    def rightwards(self) -> "Curve":
        """The same curve, in the direction in which text runs."""
        return self if self.start.x <= self.end.x else Curve(*reversed(self))

    def at(self, share: float) -> Point:
        """A point on it: 0 is its start, 1 its end."""
        rest = 1 - share
        weights = (rest**3, 3 * rest**2 * share, 3 * rest * share**2, share**3)
        return Point(
            sum(weight * point.x for weight, point in zip(weights, self, strict=True)),
            sum(weight * point.y for weight, point in zip(weights, self, strict=True)),
        )

    def points(self, gap: float) -> list[Point]:
        """Points on it, at most about so far apart."""
        count = 1 + round(sum(dist(*pair) for pair in pairwise(self)) / gap)
        return [self.at(number / count) for number in range(count + 1)]


class Drawing(NamedTuple):
    width: float
    height: float
    boxes: Mapping[str, Box]
    curves: Mapping[tuple[str, Link], Curve]
    """By kind of arrow and its link."""
