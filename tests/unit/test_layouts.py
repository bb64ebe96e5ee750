"""Layouts of the map: whatever depends on whom, boxes stand apart and each arrow has its way."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carveout.operations.contextmap.layout import circular, layered
from carveout.operations.contextmap.layout.geometry import Box, Drawing

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
