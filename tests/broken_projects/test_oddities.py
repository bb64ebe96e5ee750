"""What the survey finds in `oddities`: what real monoliths do and a first reading gets wrong.

Settings inside an app, a model that a package made, a field whose class nobody knows, a signal that
modules pass on, an admin page without a model, the user of a request, templates of own loaders and
backends. Marked as in `couplings`.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.broken_projects.test_couplings import at, decoys, marked, row, run

PROJECT = Path(__file__).parent / "oddities"


@pytest.fixture(scope="module")
def found() -> Any:
    told = ("--root", str(PROJECT), "--format", "json")
    return json.loads(run(*told, project=PROJECT, settings="bazaar.settings"))


def test_every_coupling_is_found_where_it_is_odd_and_nothing_else(found):
    expected = (PROJECT / "couplings.txt").read_text().splitlines()
    assert [row(each) for each in found["couplings"]] == expected
    assert Counter(map(at, found["couplings"])) == marked(PROJECT)


def test_decoys_that_real_monoliths_taught_are_no_couplings(found):
    assert len(decoys(PROJECT)) >= 7
    assert {at(each) for each in found["couplings"]} & decoys(PROJECT) == set()


def test_what_only_looks_like_a_model_stops_nothing(found):
    assert [each for each in found["unread"] if each["kind"] != "template loader"] == []


def test_a_loader_that_names_no_folder_is_told_with_the_templates_that_nobody_found(found):
    missing = "2 rendered templates are in no folder: desk/of_more.txt, desk/of_rows.html"
    assert {each["name"]: each["error"] for each in found["unread"]} == {
        "bazaar.loaders.Rows": f"does not report its folders; {missing}",
        "bazaar.loaders.Gone": f"raised LookupError: no theme without a request; {missing}",
        "bazaar.nothing.Loader": "raised ModuleNotFoundError: No module named 'bazaar.nothing';"
        f" {missing}",
    }


CLASSES = {
    "site_settings.py": """
from configurations import Configuration

class Base(Configuration):
    INSTALLED_APPS = ["one", "two"]
    ROOT_URLCONF = "site_urls"
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

class Live(Base):
    SECRET_KEY = "for these tests only, and long enough for a key"
    STORE = "two.stores.Store"
""",
    "site_urls.py": "urlpatterns = []",
    "one/__init__.py": "",
    "two/__init__.py": "",
    "two/stores.py": "import one\n\nclass Store: ...",
}


def test_settings_may_be_classes(tmp_path, monkeypatch):
    for name, code in CLASSES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(code)
    monkeypatch.setenv("DJANGO_CONFIGURATION", "Live")
    told = ("--root", str(tmp_path), "--format", "json")
    run_it = {"project": tmp_path, "settings": "site_settings"}
    found = json.loads(run(*told, **run_it, warnings="default"))  # the package itself warns
    assert [row(each) for each in found["couplings"]] == [
        "string | setting | site_settings.Live | two.stores.Store | site_settings.py:11",
        "import | module | two.stores | one | two/stores.py:1",
    ]
