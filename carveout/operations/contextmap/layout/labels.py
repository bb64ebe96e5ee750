"""Places the labels of arrows: each along its own line, clear of boxes and other lines."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from math import dist
from typing import NamedTuple

from carveout.operations.contextmap.layout.geometry import Box, Curve, Drawing, Link, Point

LETTER, HEIGHT = 6.7, 12.0
"""The size of a letter, on average."""
AWAY, FROM_END = 11.0, 16.0
"""How far a label's middle is from its line, and its end from the line's."""
CLEAR = HEIGHT / 2 + 2
STEP = 8.0

Key = tuple[str, Link]


class Label(NamedTuple):
    """A text along a curve, which runs rightwards.

    `offset` is where on the curve its `anchor` is, start or end; `away` is to the curve's right.
    """

    text: str
    curve: Curve
    offset: float
    anchor: str
    away: float

    @property
    def opposite(self) -> tuple[float, str]:
        """The offset and the anchor of a text at the other end of the curve."""
        if self.anchor == "start":
            return _lengths(self.curve.points(STEP))[-1] - FROM_END, "end"
        return FROM_END, "start"


def place(drawing: Drawing, names: Mapping[Key, Sequence[str]]) -> dict[Key, Label]:
    """As many names as are clear of everything else; at least one, wherever that is."""
    lines = {key: curve.points(STEP) for key, curve in drawing.curves.items()}
    placed: dict[Key, Label] = {}
    taken: list[Point] = []
    for key in drawing.curves:
        others = [point for other, points in lines.items() if other != key for point in points]
        tries = [*_tries(drawing, key, names[key])]
        obstacles = [*others, *taken]
        placed[key] = next(
            (each for each in tries if _is_clear(each, obstacles, drawing.boxes)), tries[-1]
        )
        taken += _middles(placed[key])
    return placed


def shortened(names: Sequence[str], count: int) -> str:
    more = f" +{len(names) - count} more" if count < len(names) else ""
    return ", ".join(names[:count]) + more


def _tries(drawing: Drawing, key: Key, names: Sequence[str]) -> Iterator[Label]:
    """The longest text first, at the box that fewer arrows touch."""
    curve, (_, link) = drawing.curves[key].rightwards, key
    length = _lengths(curve.points(STEP))[-1]
    crowds = [sum(end in other for _, other in drawing.curves) for end in link]
    at_end = (crowds[1] <= crowds[0]) == (curve == drawing.curves[key])
    ends = [(FROM_END, "start"), (length - FROM_END, "end")]
    for count in range(len(names), 0, -1):
        for offset, anchor in reversed(ends) if at_end else ends:
            for away in (-AWAY, AWAY):
                yield Label(shortened(names, count), curve, offset, anchor, away)


def _is_clear(label: Label, lines: Sequence[Point], boxes: Mapping[str, Box]) -> bool:
    middles = _middles(label)
    if not middles:
        return False
    left, right = min(x for x, _ in middles) - CLEAR, max(x for x, _ in middles) + CLEAR
    near = [point for point in lines if left <= point.x <= right]
    return not any(dist(middle, point) < CLEAR for middle in middles for point in near) and not any(
        _touches(middle, box) for middle in middles for box in boxes.values()
    )


def _touches(point: Point, box: Box) -> bool:
    x, y = point
    return (
        box.x - 2 < x < box.right + 2 and box.y - HEIGHT / 2 < y < box.y + box.height + HEIGHT / 2
    )


def _middles(label: Label) -> list[Point]:
    """Points along the middle of the text. None: it is longer than its line."""
    points = label.curve.points(STEP)
    lengths = _lengths(points)
    size = LETTER * len(label.text)
    first = label.offset if label.anchor == "start" else label.offset - size
    if first < 0 or first + size > lengths[-1]:
        return []
    return [
        _beside(one, other, label.away)
        for (one, other), length in zip(pairwise(points), lengths, strict=False)
        if first - STEP <= length <= first + size
    ]


def _beside(one: Point, other: Point, away: float) -> Point:
    """The point beside the middle of a short line."""
    x, y = other.x - one.x, other.y - one.y
    share = away / (dist(one, other) or 1)
    return Point((one.x + other.x) / 2 - y * share, (one.y + other.y) / 2 + x * share)


def _lengths(points: Sequence[Point]) -> list[float]:
    """How long the line is up to each point."""
    return [0.0, *accumulate(dist(one, other) for one, other in pairwise(points))]
