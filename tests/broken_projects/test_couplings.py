"""What the survey finds in `couplings`, a project of nine tangled apps.

`couplings.txt` lists every coupling. In the code, lines that hold one end with C, and lines that
only look so say decoy.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.copies import ROOT

PROJECT = Path(__file__).parent / "couplings"
MARKED = (".py", ".html", ".json", ".xml", ".yaml")
MARK = re.compile(r"# ((?:C ?)+)(?:#|:|$)")


def run(
    *arguments: str,
    project: Path = PROJECT,
    settings: str = "market.settings",
    warnings: str = "error",
) -> str:
    """What the survey prints of a project that does not have us installed."""
    ran = subprocess.run(
        [sys.executable, "-W", warnings, "-m", "carveout", "survey", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": settings},
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def found() -> Any:
    return json.loads(run("--format", "json"))


@pytest.fixture(scope="module")
def text() -> str:
    return run()


def lines_of(project: Path) -> list[tuple[str, str]]:
    files = [path for path in sorted(project.rglob("*")) if path.suffix in MARKED]
    return [
        (f"{path.relative_to(project)}:{number}", line)
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), start=1)
    ]


def at(each: dict[str, Any]) -> str:
    return f"{each['file']}:{each['line']}"


def row(each: dict[str, Any]) -> str:
    symbols = each["source_symbol"], each["target_symbol"]
    return " | ".join((each["kind"], each["form"], *symbols, at(each)))


def test_every_coupling_is_found_and_nothing_else(found):
    expected = (PROJECT / "couplings.txt").read_text().splitlines()
    assert [row(each) for each in found["couplings"]] == expected
    assert len(expected) >= 190


def test_the_list_of_couplings_is_that_of_the_marked_lines(found):
    assert Counter(map(at, found["couplings"])) == marked(PROJECT)


def marked(project: Path) -> Counter[str]:
    """How many couplings each marked line holds."""
    marks = ((where, MARK.search(line)) for where, line in lines_of(project))
    return Counter({where: mark[1].count("C") for where, mark in marks if mark})


def test_decoys_are_no_couplings(found):
    assert len(decoys(PROJECT)) >= 70
    assert {at(each) for each in found["couplings"]} & decoys(PROJECT) == set()


def decoys(project: Path) -> set[str]:
    return {where for where, line in lines_of(project) if "decoy" in line and not MARK.search(line)}


def test_a_kernel_is_told_from_a_coupling(found, text):
    assert found["kernels"] == ["core"]
    assert "Kernel: core" in text
    between = text.split("Listed separately:")[0]
    assert "→ core" not in between


def test_third_party_apps_are_told_apart(found, text):
    assert found["third_party"] == ["admin", "auth", "blog", "contenttypes", "framework"]
    between, apart = text.split("Listed separately:", 1)
    assert "→ auth" not in between
    assert "accounts → auth" in apart


def test_relations_tell_what_a_cut_has_to_heed(found):
    details = {each["source_symbol"]: each["details"] for each in found["couplings"]}
    assert details["orders.Order.buyer"] == {
        "on_delete": "SET_NULL",
        "db_constraint": True,
        "swappable": "AUTH_USER_MODEL",
        "written": "setting",
    }
    assert details["shipping.Parcel.order"] == {
        "on_delete": "RESTRICT",
        "db_constraint": False,
        "written": "string",
    }


def test_what_is_guessed_from_names_is_said_to_be_unsure(found):
    walks = [each for each in found["couplings"] if each["form"] == "walk"]
    unsure = {at(each) for each in walks if not each["sure"]}
    assert "suppliers/services.py:9" in unsure  # any `supplier`
    sure = {at(each) for each in walks if each["sure"]}
    assert {"catalogue/views.py:9", "reviews/services.py:34", "accounts/models.py:11"} <= sure
    unsure = [each for each in found["couplings"] if not each["sure"]]
    assert {each["form"] for each in unsure} == {"walk", "permission"}
    asked = {each["target_symbol"] for each in unsure if each["form"] == "permission"}
    assert asked == {"orders.{}_order", "catalogue.%s_product", "orders.audit", "catalogue.bargain"}


def test_several_signals_of_one_sender_are_told_together(found):
    (forgetting,) = [
        each for each in found["couplings"] if each["source_symbol"] == "reviews.receivers.forget"
    ]
    assert forgetting["details"]["signals"] == ["post_delete", "post_save"]


def test_what_only_tests_need_is_said_so(text):
    line = (
        "orders/tests.py:1  import, module: orders.tests → reviews.models (names: Review; in tests)"
    )
    assert line in text


def test_dangers_are_found_where_they_are_and_nowhere_else(found):
    marked = {where for where, line in lines_of(PROJECT) if "# danger" in line}
    assert {at(each) for each in found["dangers"]} == marked
    assert {each["kind"] for each in found["dangers"]} == {
        "HTTP in transaction",
        "atomic requests",
        "cascade over apps",
        "tests lack atomic requests",
        "mail in transaction",
        "migration cycle",
        "signal after transaction",
        "swallowed exception",
        "whole row saved",
    }


def test_the_chain_of_a_cascade_and_the_cycle_of_migrations_are_named(found):
    told = {each["kind"]: each["text"] for each in found["dangers"]}
    chain = "deleting a catalogue.Product deletes reviews.Review, and with it stock.Crate"
    assert told["cascade over apps"] == chain
    assert told["migration cycle"].endswith("catalogue → orders → catalogue")
    in_cycle = {
        each["source_symbol"]: each["details"]["cycle"]
        for each in found["couplings"]
        if "cycle" in each["details"]
    }
    assert in_cycle["orders.0001_initial"] == "orders → catalogue → orders"


def test_a_fork_names_what_it_was_forked_from(found):
    (fork,) = [each for each in found["couplings"] if each["form"] == "same label"]
    assert (fork["target"], fork["target_symbol"]) == ("framework", "framework.stock")
    assert fork["details"] == {"models": ["stock.Shelf"]}


def test_a_grouping_is_tried_without_being_written():
    before = (PROJECT / "market/settings.py").read_text()
    text = run("--contexts", "goods=catalogue,suppliers,reviews; sales=orders,shipping,accounts")
    assert "goods → sales" in text
    assert "catalogue → suppliers" not in text
    assert "With apps that are in no context" in text
    assert (PROJECT / "market/settings.py").read_text() == before


SMALL = {
    "one/settings.py": """
INSTALLED_APPS = ["one", "two"]
ROOT_URLCONF = "urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STORE = "two.stores.Store"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"builtins": ["nothing.of.that_name"]},
    }
]


class Nowhere:
    def __contains__(self, label):
        return True

    def __getitem__(self, label):
        return None


MIGRATION_MODULES = Nowhere()
""",
    "urls.py": "import nothing_of_that_name",
    "one/__init__.py": "",
    "one/models.py": """
from django.db import models


class Odd(models.Model):
    of = models.ForeignKey("self", models.CASCADE, limit_choices_to=lambda: {"of__of": 1})

    class Meta:
        ordering = [models.functions.Lower("of__pk")]

    def __init__(self):
        self.a = self.b
        self.b = self.a

    def natural_key(self):
        return self.a.save(self.b.save())

    natural_key.dependencies = "one.odd"
""",
    "two/__init__.py": "",
    "two/models.py": "import one.models\n\nimport one.models",
    "two/stores.py": "class Store: ...",
    "two/of_old.py": "print 'this is Python 2'",
    "two/templatetags/__init__.py": "",
    "two/templatetags/broken.py": "import nothing_of_that_name",
    "two/templates/two/page.html": "{% load broken %}",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The survey of two apps whose settings lie in one of them, and whose URLs do not load."""
    folder = tmp_path_factory.mktemp("small")
    for name, code in SMALL.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(code)
    (folder / "two" / "again").symlink_to("..")
    return run("--root", str(folder), project=folder, settings="one.settings")


def test_what_cannot_be_loaded_is_told_and_the_rest_is_surveyed(small):
    assert small.startswith("1 coupling between contexts, in 1 pair;")
    heading, *more = small.splitlines()
    assert "Incomplete: 1 of 1 URL modules, 1 of 10 files, 2 of 10 tag " in heading
    missing = "ModuleNotFoundError: No module named 'nothing_of_that_name'"
    assert f"  not read: urls.py:1: URL module: urls: {missing}" in more
    assert any(
        each.startswith("  not read: two/of_old.py:1: file: two/of_old.py: Sy") for each in more
    )
    library = "two/templatetags/broken.py:1: tag library: two.templatetags.broken"
    assert f"  not read: {library}: {missing}" in more


def test_links_that_lead_back_up_are_not_followed(small):
    assert "2 apps, 9 modules." in small


def test_a_coupling_is_told_at_its_first_place(small):
    assert small.count("two.models → one.models") == 1
    assert "two/models.py:1  import, module: two.models → one.models" in small


def test_settings_belong_to_the_project_also_if_they_lie_in_an_app(small):
    assert "(project) → two" in small
    assert "one → two" not in small


# -- A part of it ------------------------------------------------------------------------------


def test_the_text_can_be_narrowed_by_kind_context_and_tests(found):
    part = ("--context", "orders", "--kind", "import", "--kind", "query", "--no-tests", "--pairs")
    _, only, *lines = run(*part).splitlines()
    assert only == "Only kind import or query, context orders, without tests."
    shown = {(line.split()[1], line.split()[3]) for line in lines if " → " in line}
    ends = [
        (each["source"], each["target"])
        for each in found["couplings"]
        if each["kind"] in ("import", "query") and each["file"] != "orders/tests.py"
    ]
    assert shown == {pair for pair in ends if "orders" in pair and pair[0] != pair[1]}
    of_tests = run("--context", "orders", "--only-tests").splitlines()
    assert "Only context orders, in tests." in of_tests
    assert [line for line in of_tests if ".py:" in line] == [
        "  orders/tests.py:1  import, module: orders.tests → reviews.models (names: Review;"
        " in tests)"
    ]
