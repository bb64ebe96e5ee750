"""Lays out a few contexts: in columns, so that most events go from left to right."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from carveout.operations.contextmap.layout.geometry import Box, Curve, Drawing, Link, Point

WIDTH, HEAD, LINE = 190.0, 38.0, 19.0
COLUMN_GAP, ROW_GAP, MARGIN = 280.0, 34.0, 10.0
PORT_GAP = 30.0
SWEEPS = 4
BENT, FLAT = 0.25, 0.85
"""An arrow bends near the box that more arrows touch, and is flat where its label is."""

End = tuple[str, str, str, Link]
"""A context, its side, and the kind and link of the arrow that begins or ends there."""


def layout(
    lines: Mapping[str, int], arrows: Sequence[tuple[str, Link]], events: Mapping[Link, int]
) -> Drawing:
    """lines: how many each context's box shows. events: how many types each link has."""
    columns = _columns(lines, events, [link for _, link in arrows])
    ends = _ends(columns, arrows)
    boxes = _boxes(columns, lines, ends)
    ports = _ports(boxes, ends)
    crowd = Counter(name for name, _, _, _ in ends)
    curves = {
        (kind, link): _curve(
            ports[link[0], "from", kind, link],
            ports[link[1], "to", kind, link],
            boxes,
            link,
            crowd,
        )
        for kind, link in arrows
    }
    right = max(box.x + box.width for box in boxes.values())
    bulge = any(boxes[one].x == boxes[other].x for _, (one, other) in arrows)
    bottom = max(box.y + box.height for box in boxes.values())
    return Drawing(right + MARGIN + (90 if bulge else 0), bottom + MARGIN, boxes, curves)


def _columns(
    lines: Iterable[str], events: Mapping[Link, int], links: Sequence[Link]
) -> list[list[str]]:
    rank = _ranks(list(lines), events, links)
    columns: list[list[str]] = [[] for _ in range(max(rank.values()) + 1)]
    for name in sorted(rank):
        columns[rank[name]].append(name)
    row = {name: number for column in columns for number, name in enumerate(column)}
    near: dict[str, list[str]] = defaultdict(list)
    for one, other in links:
        near[one].append(other)
        near[other].append(one)
    for _ in range(SWEEPS):
        for column in columns:
            column.sort(key=lambda name: _mean([row[each] for each in near[name]], row[name]))
            row |= {name: number for number, name in enumerate(column)}
    return columns


def _ranks(
    names: Sequence[str], events: Mapping[Link, int], links: Sequence[Link]
) -> dict[str, int]:
    """The length of the longest path to each along events, without those that go back."""

    def surplus(name: str) -> tuple[int, str]:
        out = sum(count for (one, _), count in events.items() if one == name)
        into = sum(count for (_, other), count in events.items() if other == name)
        return into - out, name

    order = sorted(names, key=surplus)
    place = {name: number for number, name in enumerate(order)}
    rank = dict.fromkeys(order, 0)
    for name in order:
        for one, other in events:
            if one == name and place[other] > place[one]:
                rank[other] = max(rank[other], rank[one] + 1)
    return rank


def _mean(values: Sequence[int], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _ends(columns: list[list[str]], arrows: Sequence[tuple[str, Link]]) -> list[End]:
    """Both ends of each arrow, on the sides that face each other; in one column, on the right."""
    column = {name: number for number, names in enumerate(columns) for name in names}
    ends: list[End] = []
    for kind, link in arrows:
        for end, (here, there) in (("from", link), ("to", link[::-1])):
            side = "l" if column[there] < column[here] else "r"
            ends.append((here, f"{end} {side}", kind, link))
    return ends


def _boxes(
    columns: list[list[str]], lines: Mapping[str, int], ends: Sequence[End]
) -> dict[str, Box]:
    crowd: dict[tuple[str, str], int] = defaultdict(int)
    for name, side, _, _ in ends:
        crowd[name, side[-1]] += 1

    def height(name: str) -> float:
        ports = max(crowd[name, "l"], crowd[name, "r"])
        return max(HEAD + LINE * lines[name] + 10, PORT_GAP * (ports + 1))

    tall = [sum(map(height, column)) + ROW_GAP * (len(column) - 1) for column in columns]
    boxes = {}
    for number, column in enumerate(columns):
        y = MARGIN + (max(tall) - tall[number]) / 2
        for name in column:
            x = MARGIN + number * (WIDTH + COLUMN_GAP)
            boxes[name] = Box(x, y, WIDTH, height(name))
            y += height(name) + ROW_GAP
    return boxes


def _ports(boxes: Mapping[str, Box], ends: Sequence[End]) -> dict[End, Point]:
    """Where arrows touch boxes: evenly along a side, in the order of the boxes they lead to."""
    ports = {}
    sides: dict[tuple[str, str], list[End]] = defaultdict(list)
    for end in ends:
        sides[end[0], end[1][-1]].append(end)
    for (name, side), here in sides.items():
        box = boxes[name]

        def far(end: End, name: str = name) -> tuple[float, str, Link]:
            other = end[3][1] if end[3][0] == name else end[3][0]
            return boxes[other].middle.y, end[2], end[3]

        for number, end in enumerate(sorted(here, key=far), start=1):
            x = box.x if side == "l" else box.x + box.width
            y = box.y + box.height * number / (len(here) + 1)
            ports[end[0], end[1].split()[0], end[2], end[3]] = Point(x, y)
    return ports


def _curve(
    start: Point, end: Point, boxes: Mapping[str, Box], link: Link, crowd: Mapping[str, int]
) -> Curve:
    one, other = boxes[link[0]], boxes[link[1]]
    across = abs(end.x - start.x) or COLUMN_GAP / 2
    shares = (BENT, FLAT) if crowd[link[1]] <= crowd[link[0]] else (FLAT, BENT)
    out, into = (across * share for share in shares)
    first = Point(start.x + (out if start.x > one.x else -out), start.y)
    second = Point(end.x + (into if end.x > other.x else -into), end.y)
    return Curve(start, first, second, end)
