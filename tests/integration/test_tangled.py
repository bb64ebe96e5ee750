"""The shop before carving: it works, it fails as its README tells, and the list there is true."""

import ast
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.copies import ROOT
from tests.forks import python

TANGLED = ROOT / "examples/tangled"
README = (TANGLED / "README.md").read_text()
APPS = ("accounts", "catalogue", "orders", "notifications", "reviews")


class Row(NamedTuple):
    """One coupling of the README. A form says more about a kind, such as CASCADE of a relation."""

    kind: str
    form: str
    source: str
    target: str
    path: str
    line: int
    says: str


def rows(heading: str) -> list[Row]:
    text = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [line.strip("|").split(" | ") for line in text.splitlines() if " | `" in line]
    return [row(*[cell.strip(" `") for cell in each]) for each in cells]


def row(kind: str, source: str, target: str, where: str, says: str) -> Row:
    path, line = where.split(":")
    kind, _, form = kind.partition(": ")
    return Row(kind, form, source, target, path, int(line), says)


COUPLINGS = rows("Couplings")
LISTED = [*COUPLINGS, *rows("What only running shows"), *rows("What leads to apps of others")]


def without_ours() -> dict[str, str]:
    """An environment that says nothing of this repository."""
    kept = ("PATH", "HOME", "PYTEST_ADDOPTS")
    return {name: os.environ[name] for name in kept if name in os.environ}


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A Python in the example's folder, to which nothing of this repository is near."""
    return python(*arguments, folder=TANGLED, env=without_ours() | env)


# -- It works, and fails -----------------------------------------------------------------------


def test_the_shop_before_carving_passes_its_own_tests():
    ran = run("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"\d+ passed", ran.stdout)


def test_its_migrations_are_complete():
    assert run("manage.py", "makemigrations", "--check").returncode == 0


def told(section: str) -> list[tuple[str, str]]:
    """The commands of a section of the README, and what it says that each prints."""
    text = README.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"^\$ (.+)\n((?!\$|```).*)$", text, re.MULTILINE)


def test_an_order_is_lost_when_the_mail_server_is_down_as_the_readme_tells(tmp_path):
    database = str(tmp_path / "db.sqlite3")
    for command in ("migrate", "seed"):
        assert run("manage.py", command, DATABASE=database).returncode == 0
    commands = told("Why it has to be carved")
    assert [expected for _, expected in commands] == [
        "Checkout answered 302; orders stored: 1",
        "Checkout answered 500; orders stored: 0",
    ]
    for command, expected in commands:
        words = shlex.split(command)
        env = dict(word.split("=") for word in words if "=" in word)
        ran = run(*words[len(env) + 1 :], DATABASE=database, **env)
        assert ran.stdout.splitlines()[-1] == expected
    assert "ConnectionRefusedError" in ran.stderr


# -- The list of couplings ---------------------------------------------------------------------


def test_each_line_says_what_the_list_says():
    wrong = {each: holding(each) for each in LISTED if each.line not in holding(each)}
    assert wrong == {}, "these are elsewhere: with the lines that hold them"


def holding(each: Row) -> list[int]:
    """The lines of the row's file that say what the row says."""
    lines = (TANGLED / each.path).read_text().splitlines()
    return [number for number, line in enumerate(lines, 1) if each.says in line]


def test_no_coupling_is_listed_twice_and_all_lead_from_one_app_to_another():
    assert len(set(LISTED)) == len(LISTED)
    apps = [(app(each.source), app(each.target)) for each in COUPLINGS if each.kind != "danger"]
    assert {source for source, _ in apps} <= {*APPS, "config"}
    assert {target for _, target in apps} <= set(APPS)
    assert [pair for pair in apps if pair[0] == pair[1]] == []


def app(symbol: str) -> str:
    return re.split(r"[.:/]", symbol)[0]


def of_kind(kind: str, listed: list[Row]) -> set[tuple[str, int, str]]:
    return {(each.path, each.line, each.target) for each in listed if each.kind == kind}


def test_every_import_is_listed():
    assert set(imports()) == of_kind("import", COUPLINGS)


def imports() -> Iterator[tuple[str, int, str]]:
    """File, line and module of each import from one app to another."""
    for path in (path for name in APPS for path in (TANGLED / name).rglob("*.py")):
        file = path.relative_to(TANGLED)
        for node in ast.walk(ast.parse(path.read_text())):
            for module in imported(node):
                if app(module) in APPS and app(module) != file.parts[0]:
                    yield str(file), node.lineno, module


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if not isinstance(node, ast.ImportFrom) or not node.module:
        return set()
    inner = {f"{node.module}.{alias.name}" for alias in node.names}
    modules = {each for each in inner if is_module(each)}
    return modules | ({node.module} if inner - modules else set())


def is_module(name: str) -> bool:
    path = TANGLED / Path(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


RELATIONS = """
from django.apps import apps
from django.db.models import ForeignKey
for model in apps.get_models():
    meta = model._meta
    for field in [*meta.local_fields, *meta.local_many_to_many, *meta.private_fields]:
        if isinstance(field.related_model, type):
            is_key = isinstance(field, ForeignKey)
            deletion = field.remote_field.on_delete.__name__ if is_key else "-"
            print(meta.label, field.name, field.related_model._meta.label, deletion)
"""
DELETIONS = {"CASCADE", "PROTECT", "SET_NULL", "DO_NOTHING"}


def test_every_relation_is_listed_with_what_its_deletion_does():
    printed = run("manage.py", "shell", "--no-imports", "-c", RELATIONS).stdout.splitlines()
    found = {(f"{model}.{name}", *rest) for model, name, *rest in map(str.split, printed)}
    ours = {each for each in found if app(each[0]) in APPS and app(each[0]) != app(each[1])}
    listed = [each for each in LISTED if each.kind == "relation"]
    assert {(each.source, each.target, deletion(each)) for each in listed} == ours


def deletion(relation: Row) -> str:
    return next((word for word in relation.form.split(", ") if word in DELETIONS), "-")
