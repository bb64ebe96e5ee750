"""The survey of the reference project, and of the same shop before it was carved."""

import json
import os
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.copies import ROOT
from tests.integration.test_tangled import COUPLINGS, TANGLED, rows


def surveyed(**options: str) -> str:
    out = StringIO()
    call_command("survey", stdout=out, **options)
    return out.getvalue()


def test_no_context_of_the_reference_project_needs_another():
    assert surveyed().startswith("0 couplings between contexts")
    found = json.loads(surveyed(format="json"))
    contexts = found["contexts"]
    declared = {"shop", "orders", "notifications", "reviews"}
    assert set(found["declared"]) == declared
    pairs = {
        (contexts.get(each["source"]), contexts.get(each["target"]))
        for each in (found["couplings"])
    }
    assert {pair for pair in pairs if {*pair} <= declared and pair[0] != pair[1]} == set()


def test_a_root_without_apps_is_refused_and_the_likely_one_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"No app found under .*--root \S+: most apps are there"):
        call_command("survey", root=tmp_path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"check": True, "kind": ["query"]}, "The baseline lists all couplings: leave out --kind"),
        ({"write": True, "no_tests": True}, "The baseline lists all couplings: leave out --kind"),
        ({"accept": [], "pairs": True}, "The baseline lists all couplings: leave out --kind"),
        ({"format": "html", "context": ["orders"]}, "The page shows everything"),
        ({"format": "json", "pairs": True}, "--pairs is for text"),
    ],
)
def test_a_part_is_refused_where_all_of_it_counts(options, told):
    with pytest.raises(CommandError, match=told):
        call_command("survey", **options)


def test_a_file_holds_the_part_and_the_heading_names_it(tmp_path):
    file = tmp_path / "part.json"
    told = surveyed(format="json", kind=["template"], output=file)
    assert told.endswith("modules. Only kind template.\n")
    assert {each["kind"] for each in json.loads(file.read_text())["couplings"]} == {"template"}


def test_apps_of_one_context_are_coupled_where_a_grouping_parts_them():
    text = surveyed(contexts="goods=catalogue; pages=storefront")
    assert "pages → goods" in text.split("With apps that are in no context")[0]


# -- Before carving ----------------------------------------------------------------------------

OF_OTHERS = rows("What leads to apps of others")
Key = tuple[str, ...]


@pytest.fixture(scope="module")
def tangled() -> Any:
    """The shop before carving; it does not have us in INSTALLED_APPS."""
    command = [sys.executable, "-m", "carveout", "survey", "--format", "json"]
    ran = subprocess.run(
        command,
        cwd=TANGLED,
        env=os.environ | {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def form(each: dict[str, Any]) -> str:
    """The form as the README of the shop writes it."""
    if each["kind"] != "relation":
        return each["form"]
    details = each["details"]
    constraint = "" if details.get("db_constraint", True) else "no constraint"
    parts = each["form"], details["written"], details.get("on_delete", ""), constraint
    return ", ".join(filter(None, parts))


def listed() -> dict[Key, list[str]]:
    """What the README lists, and the lines that it names for each."""
    found: dict[Key, list[str]] = {}
    for row in [*COUPLINGS, *OF_OTHERS]:
        key = row.kind, row.form, row.source, row.target
        found.setdefault(key, []).append(f"{row.path}:{row.line}")
    return found


def found_in(tangled: Any) -> dict[Key, str]:
    found = {
        (each["kind"], form(each), each["source_symbol"], each["target_symbol"]): at(each)
        for each in tangled["couplings"]
        if not each["file"].startswith("tests/")
    }
    return found | {
        ("danger", each["kind"], each["symbol"], each["target_symbol"]): at(each)
        for each in tangled["dangers"]
    }


def at(each: dict[str, Any]) -> str:
    return f"{each['file']}:{each['line']}"


def test_the_survey_of_the_shop_before_carving_is_the_list_of_its_readme(tangled):
    found, expected = found_in(tangled), listed()
    assert set(found) == set(expected)
    elsewhere = {key: where for key, where in found.items() if where not in expected[key]}
    assert elsewhere == {}


# -- Of a project that does not start ----------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "usage: python -m carveout"),
        (("survey", "--help"), "--contexts"),
        (("sruvey", "--settings", "config.settings"), "invalid choice: 'sruvey'"),
        (("survey",), "no settings: pass --settings shop.settings"),
        (
            ("survey", "--settings", "config.nothing"),
            "does not start: ModuleNotFoundError: No module named 'config.nothing'",
        ),
    ],
)
def test_what_is_missing_to_start_is_told_without_a_traceback(arguments, told):
    environment = {
        name: os.environ[name] for name in os.environ.keys() - {"DJANGO_SETTINGS_MODULE"}
    }
    ran = subprocess.run(
        [sys.executable, "-m", "carveout", *arguments],
        cwd=TANGLED,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
