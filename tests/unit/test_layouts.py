"""Layouts of the map: whatever depends on whom, boxes stand apart and each arrow has its way."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carveout.operations.contextmap import picture
from carveout.operations.contextmap.context_map import (
    ContextMap,
    MappedContext,
    MappedEvent,
    MappedSubscription,
)
from carveout.operations.contextmap.layout import circular, labels, layered
from carveout.operations.contextmap.layout.geometry import Box, Curve, Drawing, Point
from carveout.operations.contextmap.observed import Observed
from carveout.telemetry.counters import Count

NAMES = [f"context{number:02}" for number in range(45)]


@st.composite
def systems(draw, least, most):
    """The contexts, and arrows between some of them."""
    names = NAMES[: draw(st.integers(least, most))]
    pairs = [(one, other) for one in names for other in names if one != other]
    links = st.lists(st.sampled_from(pairs), unique=True, max_size=60) if pairs else st.just([])
    return names, draw(links), draw(links)


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def check(layout: Drawing, names: list[str], arrows: list) -> None:
    assert set(layout.boxes) == set(names)
    assert set(layout.curves) == set(arrows)
    assert not any(overlap(*pair) for pair in combinations(layout.boxes.values(), 2))
    for box in layout.boxes.values():
        assert 0 <= box.x <= box.x + box.width <= layout.width
        assert 0 <= box.y <= box.y + box.height <= layout.height
    for (_, link), curve in layout.curves.items():
        for name, point in zip(link, (curve.start, curve.end), strict=True):
            box = layout.boxes[name]
            on_side = point.x in (box.x, box.x + box.width)
            on_edge = point.y in (box.y, box.y + box.height)
            assert on_side or on_edge, "an arrow begins and ends at the edge of a box"


@settings(deadline=None, max_examples=60)
@given(systems(1, 9))
def test_few_contexts_stand_in_columns(system):
    names, events, lookups = system
    arrows = [("events", link) for link in events] + [("lookups", link) for link in lookups]
    lines = {name: number % 5 for number, name in enumerate(names)}
    check(layered.layout(lines, arrows, dict.fromkeys(events, 1)), names, arrows)


@settings(deadline=None, max_examples=40)
@given(systems(10, 45))
def test_many_contexts_stand_in_a_ring(system):
    names, events, lookups = system
    arrows = [("events", link) for link in events] + [("lookups", link) for link in lookups]
    check(circular.layout(names, arrows), names, arrows)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=25), st.floats(60, 300))
def test_runs_stay_together_whatever_their_sizes(sizes, width):
    runs = [[f"{run} {number}" for number in range(size)] for run, size in enumerate(sizes)]
    firsts = [run[0] for run in runs]
    arrows = [("events", link) for link in pairwise(firsts)]
    layout = circular.of_runs(runs, arrows, circular.Seat(width))
    check(layout._replace(boxes={name: layout.boxes[name] for name in firsts}), firsts, arrows)
    for run in runs:
        spans, *members = (layout.boxes[name] for name in run)
        assert all(overlap(spans, member) for member in members)
        assert not any(overlap(*pair) for pair in combinations(members, 2))


@pytest.mark.parametrize("count", [2, 4])
def test_who_announces_stands_left_of_who_hears(count):
    names = NAMES[:count]
    links = list(pairwise(names))
    layout = layered.layout(
        dict.fromkeys(names, 1), [("events", each) for each in links], dict.fromkeys(links, 1)
    )
    assert [layout.boxes[name].x for name in names] == sorted(
        box.x for box in layout.boxes.values()
    )


@settings(deadline=None, max_examples=30)
@given(systems(2, 6), st.lists(st.integers(3, 18), min_size=1, max_size=4))
def test_labels_are_on_their_line_and_never_on_a_box(system, sizes):
    names, events, lookups = system
    arrows = [("events", link) for link in events] + [("lookups", link) for link in lookups]
    drawing = layered.layout(dict.fromkeys(names, 2), arrows[:12], dict.fromkeys(events, 1))
    texts = {key: ["N" * size for size in sizes] for key in drawing.curves}
    for key, label in labels.place(drawing, texts).items():
        assert label.curve in (drawing.curves[key], drawing.curves[key].rightwards)
        assert label.curve.start.x <= label.curve.end.x, "text would be upside down"
        assert label.text.startswith("N" * sizes[0])
        hidden = len(sizes) - len(label.text.split(" +")[0].split(", "))
        assert label.text.endswith(f" +{hidden} more") == bool(hidden)


def test_a_label_keeps_clear_of_the_next_line():
    """Two lines that cross: the label is where they are apart, if need be with fewer names."""
    boxes = {name: Box(x, y, 20, 20) for name, x, y in (("a", 0, 0), ("b", 380, 0))}
    flat = Curve(Point(20, 50), Point(100, 50), Point(300, 50), Point(380, 50))
    crossing = Curve(Point(200, 0), Point(200, 40), Point(200, 60), Point(200, 90))
    drawing = Drawing(400, 90, boxes, {("e", ("a", "b")): flat, ("e", ("b", "a")): crossing})
    names = {("e", ("a", "b")): ["Created", "Cancelled", "Shipped"], ("e", ("b", "a")): ["x"]}
    label = labels.place(drawing, names)["e", ("a", "b")]
    assert label.text == "Created +2 more"


def test_the_most_travelled_event_of_an_arrow_is_named_first():
    contexts = [MappedContext(name=name, hosted=True, known=True) for name in ("orders", "mail")]
    types = ["orders.Cancelled", "orders.Created", "orders.Shipped"]
    heard = [
        MappedEvent(
            type=each, publisher="orders", at="", key="", carries="", heard_by=["mail.tell"]
        )
        for each in types
    ]
    tell = MappedSubscription(
        name="mail.tell", context="mail", at="", via="consumer", hears=types, asks=[]
    )
    logged = {"orders.Created": Count(900, 1), "orders.Shipped": Count(800, 1)}
    seen = Observed(at=1, events=logged)
    drawn = ContextMap(
        contexts=contexts, events=heard, subscriptions=[tell], lookups=[], observed=seen
    )
    (arrow,) = picture.draw(drawn).arrows
    assert arrow.names == ["orders.Created", "orders.Shipped", "orders.Cancelled"]
    assert arrow.label.text == "Created, Shipped, Cancelled"
