"""The plan of real monoliths: no tests, no libraries and no code of others in what it proposes.

Slow: the first run installs them under build/monoliths. `make monoliths MONOLITHS="-k test_plan"`
runs it.
"""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.monoliths.subject import HERE, Subject
from tests.monoliths.subjects import SUBJECTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
BY_NAME = {each.name: each for each in SUBJECTS}
SUBJECT_OF_TESTS = replace(BY_NAME["wagtail"], settings="wagtail_site.tested")
PLANNED = [BY_NAME["oscar"], BY_NAME["pretix"], BY_NAME["label-studio"], SUBJECT_OF_TESTS]
OF_TESTS = re.compile(r"(^|_)tests?(_|$)")


class Planned:
    """A plan as text and as JSON."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.text = self._run("text", "plan.txt")
        self.json: Any = json.loads(self._run("json", "plan.json"))

    def _run(self, form: str, name: str) -> str:
        out = self.subject.home / name
        told = ("--root", str(self.subject.root), "--format", form, "--output", str(out))
        self.subject.run("-m", "carveout", "plan", *told)
        return out.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [line for each in self.json["pairings"] for line in each["lines"]]


@pytest.fixture(scope="module", params=PLANNED, ids=str)
def planned(request: pytest.FixtureRequest) -> Planned:
    return Planned(request.param)


def test_what_a_plan_proposes_is_of_no_test_and_no_library(planned):
    found = planned.json
    aside = {*found["kernels"], *found["vendored"], *found["tests"]}
    steps = {each["context"] for each in found["order"]}
    circles = {name for each in found["cycles"] for name in each["contexts"]}
    groups = {app for each in found["suggestion"]["contexts"].values() for app in each}
    proposed = steps | circles | groups
    assert proposed
    assert not proposed & aside
    assert [each for each in proposed if OF_TESTS.search(each)] == []
    assert [each for each in planned.lines if each["coupling"]["in_tests"]] == []


def test_the_share_of_what_only_tests_need_is_printed(planned):
    found = planned.json
    pairings = [*found["pairings"], *found["pairings_in_tests"]]
    count = sum(len(each["in_tests"]) for each in pairings)
    share = found["points_in_tests"] / (found["points"] + found["points_in_tests"])
    print(f"{planned.subject}: {count} couplings in tests, {share:.0%} of all points")  # noqa: T201
    assert (f"Only tests need {count} more coupling" in planned.text) == bool(count)
    assert not count or f", {share:.0%} of all." in planned.text


def test_every_function_to_carve_is_one_that_the_target_app_defines(planned):
    """Python says which module defines it."""
    asked = {
        command.rpartition(" ")[2]: line["coupling"]["target"]
        for line in planned.lines
        for command in line["cut"]["command"].split(" && ")
        if " carve " in command
    }
    assert asked
    homes = json.loads(planned.subject.run(str(HERE / "resolved.py"), *asked).splitlines()[-1])
    wrong = {name: homes[name] for name, target in asked.items() if homes[name][1] != target}
    assert wrong == {}
    print(f"{planned.subject}: {len(asked)} functions to carve")  # noqa: T201


def test_apps_of_tests_are_found_where_there_are_some():
    found = Planned(SUBJECT_OF_TESTS).json
    assert found["tests"] == ["basepage", "routablepagetests", "snippetstests"]
    assert not {*found["costs"]} & {*found["tests"]}
