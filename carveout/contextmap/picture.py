"""The map as a picture: boxes and arrows with their places, for a template to draw."""

from collections.abc import Iterator, Mapping, Set
from typing import NamedTuple

from carveout import layered, ring
from carveout.contextmap.downstream import Downstream
from carveout.contextmap.mapped import ContextMap, MappedEvent
from carveout.contracts.contract import label
from carveout.place import Box, Layout, Link, Point

FEW, FEW_ARROWS = 9, 18
"""So many contexts fit into columns, with their events in the boxes and names on the arrows."""
LARGER = 1.4
LABEL_LETTERS, LABEL_OFF, LABEL_UP = 34, 14.0, 10.0

Names = dict[Link, list[str]]


class Line(NamedTuple):
    """An event in the box of its context."""

    type: str
    x: float
    y: float
    lit: str

    @property
    def label(self) -> str:
        return label(self.type)


class DrawnBox(NamedTuple):
    name: str
    known: bool
    box: Box
    title_y: float
    lines: list[Line]
    lit: str


class DrawnArrow(NamedTuple):
    """`kind` is events or lookups; `names` are what flows."""

    kind: str
    source: str
    target: str
    path: str
    names: list[str]
    label: str
    label_at: Point
    label_anchor: str
    """Of the text: start or end."""
    lit: str

    @property
    def told(self) -> str:
        what = ", ".join(map(label, self.names))
        if self.kind == "lookups":
            return f"{self.source} looks up {what} of {self.target}"
        return f"{self.target} hears {what} of {self.source}"


class Picture(NamedTuple):
    """`few` contexts are drawn in columns; many in a ring, without events and names on arrows.

    `lit` is "sure", "may" or nothing, of each thing that is downstream of an event.
    """

    few: bool
    width: float
    height: float
    boxes: list[DrawnBox]
    arrows: list[DrawnArrow]

    @property
    def width_at_most(self) -> int:
        """On the page: larger letters are of no use."""
        return round(self.width * LARGER)


def draw(drawn: ContextMap, lit: Downstream | None = None) -> Picture:
    if not drawn.contexts:
        return Picture(True, 0, 0, [], [])
    hearings, lookups = _hearings(drawn), _lookups(drawn)
    keys = [("events", link) for link in hearings] + [("lookups", link) for link in lookups]
    few = len(drawn.contexts) <= FEW and len(keys) <= FEW_ARROWS
    own = {each.name: _own(each.name, drawn) for each in drawn.contexts}
    if few:
        counts = {link: len(names) for link, names in hearings.items()}
        layout = layered.layout({name: len(own[name]) for name in own}, keys, counts)
    else:
        layout = ring.layout(own, keys)
    followed = lit.events if lit else {}
    arrows = [
        _arrow(kind, link, names, layout, followed)
        for kind, flows in (("lookups", lookups), ("events", hearings))
        for link, names in flows.items()
    ]
    arrows.sort(key=lambda arrow: arrow.lit == "sure")  # the last is drawn above the others
    boxes = [
        _box(
            each.name, each.known, layout.boxes[each.name], own[each.name] if few else [], followed
        )
        for each in drawn.contexts
    ]
    _light(boxes, arrows)
    return Picture(few, layout.width, layout.height, boxes, arrows)


def _own(context: str, drawn: ContextMap) -> list[MappedEvent]:
    return [event for event in drawn.events if event.publisher == context]


def _hearings(drawn: ContextMap) -> Names:
    """Event types from context to context. What is heard at home, or of nobody, has no arrow."""
    contexts = {each.name for each in drawn.contexts}
    context_of = {each.name: each.context for each in drawn.subscriptions}
    found: Names = {}
    for event in drawn.events:
        for hearer in sorted({context_of[name] for name in event.heard_by} - {event.publisher}):
            if event.publisher in contexts:
                found.setdefault((event.publisher, hearer), []).append(event.type)
    return found


def _lookups(drawn: ContextMap) -> Names:
    contexts = {each.name for each in drawn.contexts}
    found: Names = {}
    for lookup in drawn.lookups:
        for reader in sorted({each.context for each in lookup.read_by} - {lookup.owner}):
            if lookup.owner in contexts:
                found.setdefault((reader, lookup.owner), []).append(lookup.name)
    return found


def _strongest(lights: Set[str]) -> str:
    return "sure" if "sure" in lights else "may" if "may" in lights else ""


def _light_of(name: str, followed: Mapping[str, bool]) -> str:
    return ("sure" if followed[name] else "may") if name in followed else ""


def _arrow(
    kind: str, link: Link, names: list[str], layout: Layout, followed: Mapping[str, bool]
) -> DrawnArrow:
    """Its label stands where it touches the box that fewer touch, and out of its own way."""
    curve = layout.curves[kind, link]
    crowd = [sum(end in other for _, other in layout.curves) for end in link]
    near_end = crowd[1] <= crowd[0]
    port, inward = (curve.end, curve.second) if near_end else (curve.start, curve.first)
    falls = (curve.start if near_end else curve.end).y < port.y - LABEL_UP
    side = 1 if inward.x > port.x else -1
    shown = [name for name in names if _light_of(name, followed)] or names
    return DrawnArrow(
        kind=kind,
        source=link[0],
        target=link[1],
        path=curve.path,
        names=names,
        label=_short([label(name) for name in shown]),
        label_at=Point(port.x + side * LABEL_OFF, port.y + (LABEL_UP if falls else -LABEL_UP)),
        label_anchor="start" if side > 0 else "end",
        lit=_strongest({_light_of(name, followed) for name in names}),
    )


def _short(names: list[str]) -> str:
    """As many names as there is room for."""
    shown = list(names)
    while len(shown) > 1 and len(", ".join(shown)) > LABEL_LETTERS:
        shown.pop()
    more = f" +{len(names) - len(shown)}" if len(shown) < len(names) else ""
    return ", ".join(shown) + more


def _box(
    name: str, known: bool, box: Box, events: list[MappedEvent], followed: Mapping[str, bool]
) -> DrawnBox:
    return DrawnBox(name, known, box, *_lines(box, events, followed), "")


def _lines(
    box: Box, events: list[MappedEvent], followed: Mapping[str, bool]
) -> tuple[float, list[Line]]:
    """The title's place and the lines, together in the middle of the box."""
    if not events:
        return box.middle.y, []
    top = box.middle.y - (layered.HEAD + layered.LINE * len(events)) / 2
    lines = [
        Line(
            event.type,
            box.x + 14,
            top + layered.HEAD + layered.LINE * (number + 0.5),
            _light_of(event.type, followed),
        )
        for number, event in enumerate(events)
    ]
    return top + layered.HEAD / 2, lines


def _light(boxes: list[DrawnBox], arrows: list[DrawnArrow]) -> None:
    """A box is lit as strongly as what comes in or is announced there."""
    for number, box in enumerate(boxes):
        boxes[number] = box._replace(lit=_strongest(set(_lights(box, arrows))))


def _lights(box: DrawnBox, arrows: list[DrawnArrow]) -> Iterator[str]:
    yield from (line.lit for line in box.lines)
    yield from (arrow.lit for arrow in arrows if box.name in (arrow.source, arrow.target))
