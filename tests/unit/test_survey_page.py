"""What the survey's page draws: the order of the matrix, contexts with their apps, the ring."""

import re
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import combinations, product
from pathlib import Path

import msgspec
import pytest
from django.test import override_settings
from django.utils.html import escape
from hypothesis import given, settings
from hypothesis import strategies as st

from carveout.carving.survey.coupling import EVERY
from carveout.carving.survey.report import polygon
from carveout.carving.survey.report.code_lines import code_lines
from carveout.carving.survey.report.graph import draw
from carveout.carving.survey.report.html import as_html
from carveout.carving.survey.report.legend import KINDS, WORDS
from carveout.carving.survey.report.matrix_order import blocks, ordered
from carveout.carving.survey.report.origin import Origin, origin
from carveout.carving.survey.report.units import units
from carveout.carving.survey.unread import Gap
from tests.surveys import LARGE, coupling, grouped, surveyed

NAMES = [f"app{number}" for number in range(9)]
PAIRS = [(one, other) for one in NAMES for other in NAMES if one != other]


def back(order: list[str], weights: dict[tuple[str, str], int]) -> int:
    """How many couplings lead to an earlier one."""
    place = {name: number for number, name in enumerate(order)}
    return sum(count for (one, other), count in weights.items() if place[one] > place[other])


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(PAIRS), st.integers(1, 50), max_size=30))
def test_only_cycles_lead_back(weights):
    found = blocks(NAMES, weights)
    assert sorted(name for block in found for name in block) == NAMES
    block_of = {name: number for number, block in enumerate(found) for name in block}
    assert all(block_of[one] <= block_of[other] for one, other in weights)
    for block in found:
        for start in block:
            reached, more = {start}, [start]
            while more:
                more = [b for a, b in weights if a in more and b in block and b not in reached]
                reached |= {*more}
            assert reached == {*block}, "what is in a block needs all of it"


def test_without_a_cycle_nothing_leads_back():
    chain = {("d", "b"): 1, ("b", "c"): 9, ("c", "a"): 1, ("d", "a"): 5}
    assert ordered("abcd", chain) == ["d", "b", "c", "a"]


def test_in_a_cycle_what_is_weakest_leads_back():
    ring = {("a", "b"): 9, ("b", "c"): 9, ("c", "d"): 1, ("d", "a"): 9, ("b", "a"): 2}
    assert ordered("abcd", ring) == ["d", "a", "b", "c"]
    assert back(ordered("abcd", ring), ring) == 3


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(PAIRS), st.integers(1, 50), max_size=30))
def test_no_other_place_of_one_lets_less_lead_back(weights):
    order = ordered(NAMES, weights)
    assert ordered(NAMES[::-1], dict(reversed(weights.items()))) == order
    for name, place in product(order, range(len(order))):
        moved = [each for each in order if each != name]
        moved.insert(place, name)
        assert back(moved, weights) >= back(order, weights)


SHOP = grouped(
    surveyed(
        [
            coupling("orders", "catalogue", 1),
            coupling("orders", "billing", 2),
            coupling("billing", "catalogue", 3),
            coupling("catalogue", "reviews", 4),
            coupling("audit", EVERY, 5),
        ],
        ["orders", "billing", "catalogue", "reviews", "audit", "idle"],
    ),
    sales=["orders", "billing"],
    goods=["catalogue"],
)


def test_contexts_have_their_apps_after_them_and_every_app_is_last():
    made = units(SHOP)
    assert [unit.name for unit in made] == [
        *("sales", "orders", "billing", "goods", "audit", "reviews", EVERY)
    ]
    assert [unit.number for unit in made] == [*range(7)]
    assert {unit.name for unit in made if not unit.is_context} == {"orders", "billing"}
    assert {unit.name for unit in made if not unit.is_declared} == {"audit", "reviews"}
    assert {unit.name: unit.apps for unit in made if unit.is_context}["goods"] == ["catalogue"]


def test_edges_lead_between_contexts_and_apps_but_not_into_the_own_context():
    made = units(SHOP)
    drawn = {(made[edge.source].name, made[edge.target].name) for edge in draw(SHOP, made).edges}
    assert drawn == {
        ("orders", "billing"),
        ("orders", "goods"),
        ("billing", "goods"),
        ("sales", "goods"),
        ("goods", "reviews"),
        ("audit", EVERY),
    }


@pytest.mark.parametrize("size", [1, 4, 9])
def test_a_context_covers_the_places_of_its_apps(size):
    apps = [each for each in LARGE.contexts if each.startswith("app")]
    groups = {f"context {n}": apps[n : n + size] for n in range(0, len(apps), size)}
    found = grouped(LARGE, **groups)
    nodes = draw(found, units(found)).nodes
    boxes = [node.box for node in nodes if node.unit.is_context]
    assert not any(overlap(*pair) for pair in combinations(boxes, 2))
    for node in nodes:
        context = nodes[node.unit.context].box
        assert node.unit.is_context or overlap(context, node.box)
        assert context.x <= node.box.x <= node.box.right <= context.right


def overlap(one, other):
    return (
        one.x < other.right
        and other.x < one.right
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def test_apps_without_a_coupling_are_named():
    assert "Apps without couplings: idle." in as_html(SHOP)


class Tags(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def named(name: str) -> Tags:
    """The page of a project where whatever can have a name has this one."""
    fields = dict.fromkeys(("kind", "form", "file", "source_symbol", "target_symbol"), name)
    found = surveyed(
        [coupling(name, "other", **fields, details={name: [name]}), coupling(name, f"{name}2")],
        [name, f"{name}2", f"{name}3"],
    )
    told = msgspec.structs.replace(found, kernels=[name], unread=[Gap(name, name, name, name)])
    return Tags(as_html(grouped(told, **{f"{name} context": [name, "other"]})))


def test_names_of_the_surveyed_project_stay_text():
    evil = named("</script></style><img src=x onerror=alert(1)>\"' onload='x")
    plain = named("plain")
    assert evil.tags == plain.tags
    assert evil.attributes == plain.attributes


def test_ids_are_told_apart_and_hold_no_spaces():
    found = grouped(LARGE, **{"a context": ["app_with_a_long_name_0", "app_with_a_long_name_1"]})
    ids = re.findall(r'\bid="([^"]*)"', as_html(found))
    assert len(ids) == len({*ids})
    assert not [each for each in ids if re.search(r"\s", each)]


@override_settings(USE_THOUSAND_SEPARATOR=True, LANGUAGE_CODE="de")
def test_numbers_are_the_same_in_every_language():
    many = surveyed([coupling("a", "b", number) for number in range(1200)], ["a", "b"])
    assert ">1200</a>" in as_html(many)
    assert not re.search(r'(?:x|y|width|height)="[\d.]*,', as_html(many))


# -- The code ----------------------------------------------------------------------------------

HERE = Origin(Path("/nowhere/bookshop"), datetime(2026, 11, 30, 9, 5, tzinfo=UTC), "a623c75984")


def test_the_heading_names_the_project_the_time_and_the_commit():
    html = as_html(SHOP, HERE)
    assert "<title>bookshop: survey of 2026-11-30 09:05 UTC</title>" in html
    assert "<h1>Survey of bookshop</h1>" in html
    assert "2026-11-30 09:05 UTC, commit <code>a623c75984</code>" in html
    assert "commit" not in as_html(SHOP, HERE._replace(commit="")).partition("<h2")[0]


def test_the_commit_is_marked_if_files_were_changed_since(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    assert origin(root).commit == ""
    (root / "a.py").write_text("")
    git(tmp_path, "init", "-q")
    assert origin(root).commit == "", "there is no commit yet"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "A")
    git(tmp_path, "tag", "-a", "v1", "-m", "v1")
    commit = origin(root).commit
    assert git(tmp_path, "rev-parse", "HEAD").startswith(commit)
    assert len(commit) == 10
    (root / "a.py").write_text("changed = True\n")
    assert origin(root).commit == f"{commit}-dirty"
    installed = root / ".venv" / "shop"
    installed.mkdir(parents=True)
    assert origin(installed).commit == "", "it is not of that commit"


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-qm", "A", "--allow-empty")
    assert origin(tmp_path).commit
    monkeypatch.setenv("PATH", str(tmp_path))
    assert origin(tmp_path).commit == ""
    assert origin(tmp_path).project == tmp_path.name


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_each_coupling_is_quoted(tmp_path):
    (tmp_path / "a.py").write_bytes(
        b'\x0cimport b\n\tb.ok = "<b>\xff"\nOrder(\n    "b.Order",\n)\nlast = ['
    )
    (tmp_path / "long.json").write_text("x" * 9000)
    quoted = [coupling("a", "b", number, file="a.py") for number in (0, 1, 2, 5, 6, -1)]
    quoted += [coupling("a", "b", 0, file=file) for file in ("long.json", "gone.py", "")]
    assert code_lines(tmp_path, quoted) == {
        "a.py:1": "import b",
        "a.py:2": 'b.ok = "<b>\ufffd"',
        "a.py:3": 'Order("b.Order",',
        "a.py:6": "last = [",
        "long.json:1": "x" * 119 + "…",
    }
    html = as_html(surveyed(quoted, ["a", "b"]), HERE._replace(root=tmp_path))
    assert "<code>b.ok = &quot;&lt;b&gt;\ufffd&quot;</code>" in html


def test_every_kind_and_mark_on_the_page_is_explained():
    mixed = surveyed(
        [coupling("a", "b", n, kind=kind) for n, kind in enumerate(KINDS)]
        + [coupling("a", "(project)")],
        ["a", "b"],
    )
    html = as_html(mixed)
    for name, meaning in KINDS.items():
        assert f"<dt>{name}</dt><dd>{escape(meaning)}</dd>" in html
        assert (
            f'<label title="{escape(meaning)}"><input type="checkbox" name="kind" value="{name}"'
            in html
        )
    assert html.count(f"<dd>{escape(WORDS['apart'])}</dd>") == 1
    assert "<dt>relation</dt>" not in as_html(SHOP)


# -- The graph of a few ------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(2, polygon.CORNERS_MAX + 1))
def test_few_apps_are_far_apart_and_no_line_crosses_a_third(count):
    names = [f"app{number}" for number in range(count)]
    everything = [coupling(one, other) for one in names for other in names if one != other]
    found = surveyed(everything, names)
    graph = draw(found, units(found))
    boxes = [node.box for node in graph.nodes]
    assert not any(overlap(*pair) for pair in combinations(boxes, 2))
    for box in boxes:
        assert 0 < box.x < box.right < graph.width
        assert 0 < box.y < box.y + box.height < graph.height
    for edge in graph.edges:
        for x, y in along(edge.path):
            inside = {
                number
                for number, box in enumerate(boxes)
                if box.x < x < box.right and box.y < y < box.y + box.height
            }
            assert not inside


def along(path: str) -> list[tuple[float, float]]:
    """Points of a straight line."""
    numbers = [float(each) for each in re.findall(r"[\d.]+", path)]
    (x, y), (to_x, to_y) = numbers[:2], numbers[-2:]
    shares = [number / 100 for number in range(1, 100)]
    return [(x + (to_x - x) * share, y + (to_y - y) * share) for share in shares]


@pytest.mark.parametrize("contexts", [{}, {"sales": ["a", "b"]}])
def test_two_that_need_each_other_share_a_line(contexts):
    found = grouped(
        surveyed([coupling(*pair) for pair in ("ab", "ba", "bc")], [*"abc"]), **contexts
    )
    made = units(found)
    paths = {(made[e.source].name, made[e.target].name): e.path for e in draw(found, made).edges}
    there, back = (re.findall(r"[\d.]+ [\d.]+", paths[pair]) for pair in (("a", "b"), ("b", "a")))
    assert there == back[::-1]
