"""Owners by CODEOWNERS, as GitHub and GitLab read it."""

from pathlib import Path

import pytest

from carveout.carving.ratchet.codeowners import FileOwners


def owners(folder: Path, text: str, place: str = "CODEOWNERS") -> FileOwners:
    (folder / ".git").mkdir(exist_ok=True)
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_text(text)
    return FileOwners(folder)


def test_the_last_pattern_that_matches_says_it(tmp_path):
    found = owners(
        tmp_path, "* @all\n/orders/ @orders @lead\norders/*.md\n*.txt docs@example.com\n"
    )
    assert found.of("goods/models.py") == ["@all"]
    assert found.of("orders/deep/models.py") == ["@orders", "@lead"]
    assert found.of("orders/README.md") == []
    assert found.of("orders/notes.txt") == ["docs@example.com"]


@pytest.mark.parametrize(
    ("pattern", "file", "expected"),
    [
        ("orders", "orders/models.py", True),
        ("orders", "old/orders/models.py", True),
        ("/orders", "old/orders/models.py", False),
        ("orders/*", "orders/models.py", True),
        ("orders/*", "orders/admin/pages.py", False),
        ("orders/**", "orders/admin/pages.py", True),
        ("**/admin.py", "orders/admin.py", True),
        ("orders/*.py", "orders/models.py", True),
        ("orders/model?.py", "orders/models.py", True),
        ("with\\ blank/", "with blank/models.py", True),
    ],
)
def test_patterns_are_those_of_gitignore(tmp_path, pattern, file, expected):
    assert owners(tmp_path, f"{pattern} @a\n").of(file) == (["@a"] if expected else [])


@pytest.mark.parametrize("place", [".github/CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"])
def test_it_may_lie_in_several_places(tmp_path, place):
    assert owners(tmp_path, "* @a\n", place).of("models.py") == ["@a"]


def test_the_project_may_lie_below_the_repository(tmp_path):
    owners(tmp_path, "/backend/orders/ @a\n")
    (tmp_path / "backend").mkdir()
    assert FileOwners(tmp_path / "backend").of("orders/models.py") == ["@a"]


def test_in_sections_of_gitlab_each_has_its_say_and_its_own_default(tmp_path):
    found = owners(
        tmp_path,
        "* @all\n\n[Database][2] @base\nmodels.py\n!old/models.py\n"
        "^[Look] @look\n*.html\nx.html @x\n",
    )
    assert found.of("orders/models.py") == ["@all", "@base"]
    assert found.of("old/models.py") == ["@all"]
    assert found.of("orders/list.html") == ["@all", "@look"]
    assert found.of("orders/x.html") == ["@all", "@x"]


def test_comments_and_lines_that_make_no_sense_are_passed_over(tmp_path):
    found = owners(tmp_path, "# all\n* @a # not @b\n[unended @c\n[Mm]odels.py @d\n\n")
    assert found.of("views.py") == ["@a"]
    assert found.of("models.py") == ["@d"]


def test_a_byte_order_mark_is_passed_over(tmp_path):
    assert owners(tmp_path, "\ufeff/orders/ @orders\n").of("orders/models.py") == ["@orders"]


def test_without_the_file_nobody_is_named(tmp_path):
    found = FileOwners(tmp_path)
    assert found.file == ""
    assert found.of("models.py") == []
