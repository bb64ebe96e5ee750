"""Computes the map's picture: boxes and arrows with coordinates, for a template to draw."""

from collections.abc import Iterator, Mapping, Set
from typing import NamedTuple

from carveout.contracts.contract import label
from carveout.operations.contextmap.context_map import ContextMap, MappedEvent
from carveout.operations.contextmap.downstream import Downstream
from carveout.operations.contextmap.layout import circular, layered
from carveout.operations.contextmap.layout.geometry import Box, Curve, Link, Point
from carveout.operations.contextmap.layout.labels import Label, place

FEW, FEW_ARROWS = 9, 18
"""Up to so many contexts and arrows, columns fit: events in boxes, names on arrows."""
LARGER = 1.4
FULL = 14
"""Letters of an event in a box that leave room for a word such as "waiting" and its number."""

Names = dict[Link, list[str]]


class EventLine(NamedTuple):
    """An event in the box of its context."""

    type: str
    x: float
    end: float
    """The right end of the line."""
    y: float
    highlight: str

    @property
    def label(self) -> str:
        return label(self.type)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for a word beside it."""
        return len(self.label) > FULL


class DrawnBox(NamedTuple):
    name: str
    known: bool
    box: Box
    title_y: float
    lines: list[EventLine]
    highlight: str


class DrawnArrow(NamedTuple):
    """`kind` is events or lookups; `names` are what flows, the most-travelled events first."""

    kind: str
    source: str
    target: str
    curve: Curve
    names: list[str]
    label: Label | None
    anchor: str
    """Of a text at its middle, which keeps clear of boxes beside it."""
    highlight: str

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.source}:{self.target}"

    @property
    def middle(self) -> Point:
        return self.curve.at(0.5)

    @property
    def title(self) -> str:
        what = ", ".join(map(label, self.names))
        if self.kind == "lookups":
            return f"{self.source} looks up {what} of {self.target}"
        return f"{self.target} subscribes to {what} of {self.source}"


class Picture(NamedTuple):
    """`few` contexts are drawn in columns; many in a ring, without events and names on arrows.

    `highlight` is "sure" or "may" for what is downstream of an event, and else empty.
    """

    few: bool
    width: float
    height: float
    boxes: list[DrawnBox]
    arrows: list[DrawnArrow]

    @property
    def width_at_most(self) -> int:
        """The largest useful width on the page: larger letters would not help."""
        return round(self.width * LARGER)


def draw(drawn: ContextMap, highlight: Downstream | None = None) -> Picture:
    if not drawn.contexts:
        return Picture(True, 0, 0, [], [])
    event_uses, lookups = _event_uses(drawn), _lookups(drawn)
    flows = {("lookups", link): names for link, names in lookups.items()}
    flows |= {("events", link): names for link, names in event_uses.items()}
    few = len(drawn.contexts) <= FEW and len(flows) <= FEW_ARROWS
    own = {each.name: _own(each.name, drawn) for each in drawn.contexts}
    if few:
        counts = {link: len(names) for link, names in event_uses.items()}
        layout = layered.layout({name: len(own[name]) for name in own}, [*flows], counts)
    else:
        layout = circular.layout(own, [*flows])
    followed = highlight.events if highlight else {}
    texts = {key: _label_names(names, followed) for key, names in flows.items()}
    labels = place(layout, texts) if few else {}
    arrows = [
        DrawnArrow(
            kind=kind,
            source=link[0],
            target=link[1],
            curve=layout.curves[kind, link],
            names=names,
            label=labels.get((kind, link)),
            anchor=_anchor(*(layout.boxes[end].faces for end in link)),
            highlight=_strongest({_light_of(name, followed) for name in names}),
        )
        for (kind, link), names in flows.items()
    ]
    arrows.sort(key=lambda arrow: arrow.highlight == "sure")  # the last is drawn above the others
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


def _event_uses(drawn: ContextMap) -> Names:
    """Event types from context to context. Events of its own, or of nobody, have no arrow."""
    contexts = {each.name for each in drawn.contexts}
    context_of = {each.name: each.context for each in drawn.subscriptions}
    found: Names = {}
    for event in drawn.events:
        for subscriber in sorted({context_of[name] for name in event.heard_by} - {event.publisher}):
            if event.publisher in contexts:
                found.setdefault((event.publisher, subscriber), []).append(event.type)
    logged = drawn.observed.events if drawn.observed else {}
    for types in found.values():
        types.sort(key=lambda name: -logged[name].count if name in logged else 0)
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


def _anchor(one: str, other: str) -> str:
    sides = {"r": "start", "l": "end"}
    return sides.get(one, "middle") if one == other else "middle"


def _label_names(names: list[str], followed: Mapping[str, bool]) -> list[str]:
    """Of what follows, if that is asked."""
    return [label(name) for name in names if _light_of(name, followed)] or [*map(label, names)]


def _box(
    name: str, known: bool, box: Box, events: list[MappedEvent], followed: Mapping[str, bool]
) -> DrawnBox:
    return DrawnBox(name, known, box, *_lines(box, events, followed), "")


def _lines(
    box: Box, events: list[MappedEvent], followed: Mapping[str, bool]
) -> tuple[float, list[EventLine]]:
    """The title's y and the lines, together in the middle of the box."""
    if not events:
        return box.middle.y, []
    top = box.middle.y - (layered.HEAD + layered.LINE * len(events)) / 2
    lines = [
        EventLine(
            event.type,
            box.x + 14,
            box.right - 12,
            top + layered.HEAD + layered.LINE * (number + 0.5),
            _light_of(event.type, followed),
        )
        for number, event in enumerate(events)
    ]
    return top + layered.HEAD / 2, lines


def _light(boxes: list[DrawnBox], arrows: list[DrawnArrow]) -> None:
    """Lights a box as strongly as its events and the arrows at it."""
    for number, box in enumerate(boxes):
        boxes[number] = box._replace(highlight=_strongest(set(_lights(box, arrows))))


def _lights(box: DrawnBox, arrows: list[DrawnArrow]) -> Iterator[str]:
    yield from (line.highlight for line in box.lines)
    yield from (arrow.highlight for arrow in arrows if box.name in (arrow.source, arrow.target))
