"""The survey's cache: it gives what reading would give, whatever has happened to its file."""

import random
from pathlib import Path

import pytest

from carveout.carving.survey import parser, template_tokens
from carveout.carving.survey.cache import Cache, cache_file
from carveout.carving.survey.facts import Facts
from tests.copies import ROOT

CODE = (
    b"from orders.models import Order\n\n\ndef late():\n    return Order.objects.filter(late=1)\n"
)
HOW_READ = [
    (CODE, "orders.services", False, ""),
    (CODE, "billing.services", False, ""),
    (CODE, "orders.services", True, ""),
    (CODE, "orders.services", False, "orders."),
    (CODE + b"\n", "orders.services", False, ""),
    (b"from . import a", "b.c", False, ""),
    (b"from . import a", "b.c", True, ""),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "caches" / "project.survey"


def kept(path: Path) -> Cache:
    cache = Cache(path)
    for how in HOW_READ:
        cache.facts(*how)
    cache.marks(b"{{ order.buyer }}")
    cache.save()
    return cache


def read_again(path: Path) -> list[Facts]:
    cache = Cache(path)
    return [cache.facts(*how) for how in HOW_READ]


def test_facts_come_back_as_they_were_read_by_all_that_they_depend_on(path):
    kept(path)
    assert read_again(path) == [parser.read(*how) for how in HOW_READ]


def test_what_is_kept_is_not_read_again(path, monkeypatch):
    kept(path)
    monkeypatch.setattr("carveout.carving.survey.cache.read", None)
    monkeypatch.setattr("carveout.carving.survey.cache.marks", None)
    read_again(path)
    assert [mark.contents for mark in Cache(path).marks(b"{{ order.buyer }}")] == ["order.buyer"]


def test_every_file_of_the_kit_comes_back_as_it_was_read(path):
    modules = [(each.read_bytes(), str(each), False) for each in (ROOT / "carveout").glob("*/*.py")]
    pages = [each.read_bytes() for each in (ROOT / "carveout/templates").rglob("*.html")]
    first, second = Cache(path), Cache(path)
    for module in modules:
        first.facts(*module)
    for page in pages:
        first.marks(page)
    first.save()
    assert [second.facts(*each) for each in modules] == [parser.read(*each) for each in modules]
    assert [second.marks(each) for each in pages] == [
        template_tokens.marks(each.decode()) for each in pages
    ]


def test_what_no_survey_uses_any_more_is_not_kept(path):
    kept(path)
    size = path.stat().st_size
    cache = Cache(path)
    cache.facts(*HOW_READ[0])
    cache.save()
    assert path.stat().st_size < size


def test_the_file_is_left_alone_while_nothing_changes(path):
    kept(path)
    before = path.stat().st_mtime_ns
    kept(path)
    assert path.stat().st_mtime_ns == before


def damaged(content: bytes) -> list[bytes]:
    chosen = random.Random(6)
    flipped = []
    for _ in range(50):
        at = chosen.randrange(len(content))
        flipped.append(
            content[:at] + bytes([content[at] ^ 1 << chosen.randrange(8)]) + content[at + 1 :]
        )
    cut = [content[: chosen.randrange(len(content))] for _ in range(20)]
    return [b"", b"{}", b"\x80\x04}.", content[:32], content + b"\0", *cut, *flipped]


def test_a_damaged_or_foreign_file_counts_as_none_and_is_written_anew(path):
    kept(path)
    sound = path.read_bytes()
    expected = read_again(path)
    for content in damaged(sound):
        path.write_bytes(content)
        assert Cache(path)._known == Cache()._known
        assert read_again(path) == expected
        kept(path)
        assert path.read_bytes() == sound


def test_what_another_version_kept_counts_as_none(path, monkeypatch):
    kept(path)
    assert Cache(path)._known != Cache()._known
    monkeypatch.setattr("sys.version", "3.99")
    assert Cache(path)._known == Cache()._known


def test_where_nothing_can_be_written_the_survey_goes_on(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "project.survey", tmp_path):
        kept(path)
        assert read_again(path) == [parser.read(*how) for how in HOW_READ]
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_file_that_is_no_python_is_refused_each_time(path):
    for _ in range(2):
        cache = kept(path)
        with pytest.raises(SyntaxError):
            cache.facts(b"print 'of old'", "old", False)
        cache.save()


def test_strings_that_no_file_can_hold_are_kept_without_what_is_unsound(path):
    code = b'TABLE = "\\ud800rows"\nrun("SELECT \\udfff FROM orders", key="\\ud83d")\n'
    first = Cache(path)
    facts = first.facts(code, "a", False)
    first.save()
    assert Cache(path)._known.modules != {}
    assert Cache(path).facts(code, "a", False) == facts


def test_each_project_has_a_cache_of_its_own_in_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("CARVEOUT_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second = cache_file(Path("/srv/one/shop")), cache_file(Path("/srv/two/shop"))
    assert first != second
    assert first.parent == second.parent == tmp_path / "carveout"
    monkeypatch.setenv("CARVEOUT_CACHE_DIR", str(tmp_path / "elsewhere"))
    assert cache_file(Path("/srv/one/shop")) == tmp_path / "elsewhere" / first.name
