"""The baseline as a file: git merges it, and what it can't read is told."""

import random
import subprocess
from codecs import BOM_UTF8
from pathlib import Path

import pytest

from carveout.carving.ratchet.baseline import Baseline, read, write
from carveout.carving.ratchet.entry import Entry
from carveout.carving.ratchet.symbol_names import alike, listed, unlisted
from carveout.errors import BaselineInvalid

APPS = ("orders", "goods", "bills")


def entry(number: int, source: str = "orders", target: str = "goods") -> Entry:
    return Entry(source, target, "import", f"{source}.m{number:04}.place", f"{target}.Thing")


def written(path: Path, entries: list[Entry]) -> Path:
    baseline = Baseline()
    baseline.apps = {*APPS}
    baseline.names = {"orders.services.place", "orders/list.html", "orders"}
    baseline.add(entries)
    write(path, baseline)
    return path


def shrunk(path: Path, gone: list[Entry]) -> str:
    baseline = read(path)
    baseline.take_out(gone)
    return baseline.text()


def grown(path: Path, new: list[Entry]) -> str:
    baseline = read(path)
    baseline.add(new)
    return baseline.text()


def git(folder: Path, *arguments: str) -> int:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "gc.auto=0")
    ran = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, check=False
    )
    return ran.returncode


def merged(base: Path, ours: str, theirs: str, *options: str) -> bool:
    """Let git merge two branches of the file. Returns: whether without conflict."""
    folder = base.parent
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", base.name)
    git(folder, "commit", "-q", "--allow-empty", "-m", "base")
    for branch, text in (("theirs", theirs), ("ours", ours)):
        git(folder, "checkout", "-q", "-B", branch, "main")
        base.write_text(text)
        git(folder, "commit", "-q", "--allow-empty", "-a", "-m", branch)
    clean = git(folder, *options, "merge", "-q", "-m", "merge", "theirs") == 0
    git(folder, "branch", "-q", "-f", "main", "ours")
    return clean


# -- Merges ------------------------------------------------------------------------------------


def some(chance: random.Random, entries: list[Entry]) -> list[Entry]:
    """Any of them, or a run of neighbours, or all."""
    if chance.random() < 0.4:
        start = chance.randrange(len(entries))
        return entries[start : chance.randint(start, len(entries))]
    share = chance.choice([0.05, 0.3, 0.7, 1])
    return [each for each in entries if chance.random() < share]


@pytest.mark.parametrize("seed", range(20))
def test_two_branches_that_shrink_it_merge_whatever_they_take_out(seed, tmp_path):
    chance = random.Random(seed)
    count = chance.choice([1, 2, 3, 8, 40, 400])
    pairs = [tuple(chance.sample(APPS, 2)) for _ in range(chance.randint(1, 4))]
    entries = [entry(number, *chance.choice(pairs)) for number in range(count)]
    base = written(tmp_path / "base", entries)
    ours, theirs = some(chance, entries), some(chance, entries)
    assert merged(base, shrunk(base, ours), shrunk(base, theirs))
    assert {*read(base).entries} == {*entries} - {*ours} - {*theirs}


@pytest.mark.parametrize("seed", range(10))
def test_a_branch_that_shrinks_it_merges_with_one_that_accepts(seed, tmp_path):
    chance = random.Random(seed)
    entries = [
        entry(number, *chance.sample(APPS, 2)) for number in range(chance.choice([1, 9, 90]))
    ]
    base = written(tmp_path / "base", entries)
    ours = some(chance, entries)
    new = [entry(9000 + number, *chance.sample(APPS, 2)) for number in range(3)]
    assert merged(base, shrunk(base, ours), grown(base, new))
    assert {*read(base).entries} == {*entries, *new} - {*ours}


def test_two_branches_that_shrink_neighbours_merge_again_and_again(tmp_path):
    entries = [entry(number) for number in range(10)]
    base = written(tmp_path / "base", entries)
    for number in range(0, 10, 2):
        assert merged(base, *(shrunk(base, [entries[number + side]]) for side in (0, 1)))
    assert read(base).entries == []


# -- What is kept ------------------------------------------------------------------------------


def test_what_is_written_is_read(tmp_path):
    entries = [entry(2), entry(1), Entry("goods", "*", "receiver pre_save", "goods.hear", "a.b")]
    path = written(tmp_path / "base", entries)
    assert sorted(read(path).entries) == sorted(entries)
    assert read(path).names == {"orders.services.place", "orders/list.html", "orders"}
    assert read(path).apps == {*APPS}
    assert read(path).text() == path.read_text()


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = written(tmp_path / "baseline.txt", [entry(1)])
    path.write_text(path.read_text("utf-8"), "utf-8-sig")
    assert read(path).entries == [entry(1)]
    write(path, read(path))
    assert not path.read_bytes().startswith(BOM_UTF8)


def test_comments_and_the_order_of_lines_are_kept(tmp_path):
    path = written(tmp_path / "base", [entry(1), entry(2)])
    text = path.read_text().replace("import: orders.m0002", "# ask Ann\nimport: orders.m0002")
    path.write_text(text)
    assert shrunk(path, [entry(1)]) == text.replace(f"{entry(1)}\n", "")


# -- What can't be read ------------------------------------------------------------------------


def refused(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(BaselineInvalid) as raised:
        read(path)
    assert path.read_text() == text
    return str(raised.value)


def test_a_line_that_is_no_coupling_is_told_with_its_number(tmp_path):
    text = written(tmp_path / "base", [entry(1)]).read_text()
    broken = text.replace(str(entry(1)), "orders need goods")
    told = refused(tmp_path / "base", broken)
    line = broken.splitlines().index("orders need goods") + 1
    assert f"base:{line}: 'orders need goods' is not a coupling" in told


def test_a_line_under_no_heading_is_told(tmp_path):
    text = written(tmp_path / "base", []).read_text()
    told = refused(tmp_path / "base", text.replace("kernels:", "import: a -> b\nkernels:"))
    assert "base:6: 'import: a -> b' is not recognized" in told


def test_the_file_of_another_version_is_told(tmp_path):
    text = written(tmp_path / "base", []).read_text()
    assert "the file is version 2" in refused(
        tmp_path / "base", text.replace("version 1", "version 2")
    )


@pytest.mark.parametrize("text", ["anything\n", "[orders -> goods]\n"])
def test_any_other_file_is_told(tmp_path, text):
    assert "this is not a baseline" in refused(tmp_path / "base", text)


def test_bytes_that_are_no_text_are_told(tmp_path):
    (tmp_path / "base").write_bytes(b"\xff\xfe")
    with pytest.raises(BaselineInvalid, match="can't be read"):
        read(tmp_path / "base")


@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_a_conflict_is_told_and_resolved_when_asked(tmp_path, style):
    base = written(tmp_path / "base", [entry(1)])
    texts = [grown(base, [entry(number)]) for number in (2, 3)]
    assert not merged(base, *texts, "-c", f"merge.conflictStyle={style}")
    assert "git could not merge it" in refused(base, base.read_text())
    assert read(base, merge=True).entries == [entry(1), entry(2), entry(3)]


# -- Names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("orders.services.place", "orders.services.put", True),
        ("orders.services.place", "orders.stock.place", True),
        ("orders.services.place", "orders.stock.deep.place", True),
        ("orders.services.place", "orders.stock.put", False),
        ("orders.views.Place.get", "orders.pages.Place.get", True),
        ("orders.views.Place.get", "orders.views.Put.get", True),
        ("orders.views.Place.get", "orders.pages.Put.get", False),
        ("orders.services.place", "orders.services.place", False),
        ("orders/list.html", "orders/all.html", True),
        ("orders/list.html", "sales/list.html", True),
        ("orders/list.html", "sales/all.html", False),
        ("orders:list", "orders:all", True),
        ("orders:list", "orders.list", True),
        ("orders", "sales", True),
    ],
)
def test_names_are_alike_if_one_part_differs_or_the_end_is_the_same(one, other, expected):
    assert alike(one, other) is expected


def test_names_are_listed_by_what_stands_before_the_last():
    names = {"orders", "orders.services.place", "orders.services.put", "orders/list.html"}
    lines = [*listed(names)]
    assert lines == ["- orders", "orders.services. place put", "orders/ list.html"]
    assert set().union(*map(unlisted, lines)) == names
