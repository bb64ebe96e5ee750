"""What pip installs: it leaves a project's versions alone, and each part says what it needs."""

import re
import tomllib
from importlib.metadata import version

import pytest

from carveout.conf import requirements
from carveout.conf.requirements import Need
from carveout.errors import NotInstalled
from tests.copies import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def names(requirements: list[str]) -> list[str]:
    return [re.match(r"[\w.-]+", each)[0].lower() for each in requirements]


def test_what_the_engine_needs_is_installed_in_whatever_version_the_project_has():
    engine = [each.distribution.lower() for each in requirements.ENGINE]
    assert [name for name in names(PROJECT["dependencies"]) if name != "msgspec"] == engine
    assert [each for each in PROJECT["dependencies"] if "=" in each] == ["msgspec>=0.19"]


def test_carving_insists_on_what_its_extra_installs():
    told = [f"{each.distribution}>={each.least}" for each in requirements.CARVING]
    assert told == EXTRAS["carving"]


def test_what_is_missing_or_too_old_is_told_and_nothing_else():
    wanted = [
        Need("Django", "django", "99.1"),
        Need("msgspec", "msgspec", "0.1"),
        Need("no-such-thing", "no_such_thing", "1.0"),
        Need("not-told", "carveout", "1.0"),  # there, and of no known version
    ]
    assert [*requirements.unmet(wanted)] == [
        (wanted[0], f"{version('Django')} is installed"),
        (wanted[2], "it is not installed"),
    ]


@pytest.mark.parametrize(
    ("installed", "enough"),
    [("5.2", True), ("5.2.1", True), ("5.10", True), ("6.0rc1", True), ("5.1", False)],
)
def test_versions_are_compared_by_their_numbers(installed, enough, monkeypatch):
    monkeypatch.setattr(requirements, "version", lambda _: installed)
    assert ([*requirements.unmet(requirements.ENGINE[:1])] == []) == enough


def test_the_error_is_one_that_imports_may_raise():
    assert issubclass(NotInstalled, ImportError)
