"""What the survey finds in `oddities`: what real monoliths do and a first reading gets wrong.

Settings inside an app, a model that a package made, a field whose class nobody knows, a signal that
modules pass on, an admin page without a model, the user of a request. Marked as in `couplings`.
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
    assert found["unread"] == []
