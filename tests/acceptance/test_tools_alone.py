"""The tools for a monolith, installed by pip beside an older Django: it stays, and they run there.

Slow: pip installs Django into fresh environments. The projects are those of `broken_projects`,
which write to no file outside of their copy.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from tests.acceptance.test_wheel import build_wheel
from tests.copies import LEFT_OUT, ROOT
from tests.pages import plain_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PLANTED = ROOT / "tests" / "broken_projects"
TESTS = ["pytest-django", "factory-boy", "requests"]
THEIRS = {
    "django42": ["Django==4.2.*", "djangorestframework==3.14.*", *TESTS],
    "django32": ["Django==3.2.*", "djangorestframework==3.12.*", *TESTS, "pytest-django<4.6"],
}
"""What is installed before us. Django 3.2 needs `cgi`, which Python 3.13 no longer has."""
CACHE = "CARVEOUT_CACHE_DIR"
MARKET = ("--settings", "market.settings")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@dataclass
class Environment:
    python: Path
    folder: Path
    wheel: Path

    def run(self, *arguments: str, project: str = ".", fails: bool = False) -> str:
        env = plain_environment() | {CACHE: os.environ[CACHE]}
        ran = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder / project,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (ran.returncode != 0) == fails, ran.stdout
        return ran.stdout

    def pip(self, *arguments: str) -> str:
        return self.run("-m", "pip", "--disable-pip-version-check", *arguments)

    def versions(self) -> dict[str, str]:
        listed = json.loads(self.pip("list", "--format", "json").splitlines()[-1])
        return {each["name"]: each["version"] for each in listed}


@pytest.fixture(scope="module", params=THEIRS)
def environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, wheel: Path
) -> Environment:
    if request.param == "django32" and sys.version_info >= (3, 13):
        pytest.skip("Django 3.2 needs a module that Python 3.13 no longer has")
    folder = tmp_path_factory.mktemp(request.param)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    for project in ("couplings", "recorded"):
        copytree(PLANTED / project, folder / project, ignore=LEFT_OUT)
    ini = folder / "recorded" / "pytest.ini"  # an older Django warns of this Python
    ini.write_text(ini.read_text().replace("filterwarnings = error", ""))
    made = Environment(folder / "venv" / "bin" / "python", folder, wheel)
    made.pip("install", *THEIRS[request.param])
    return made


def would_install(environment: Environment) -> set[str]:
    report = environment.folder / "report.json"
    tools = f"{environment.wheel}[carving]"
    what = ("--dry-run", "--quiet", "--report", str(report), tools)
    environment.pip("install", *what)
    installed = json.loads(report.read_text())["install"]
    return {each["metadata"]["name"].lower() for each in installed}


def recorded(file: Path) -> set[tuple[str, ...]]:
    found = json.loads(file.read_text())
    assert found["notices"] == []
    return couplings(found)


def couplings(found: Any) -> set[tuple[str, ...]]:
    ends = ("kind", "form", "source_symbol", "target_symbol")
    return {tuple(each[end] for end in ends) for each in found["couplings"]}


def here(project: str, *arguments: str) -> str:
    """The same with the Django of this environment."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=plain_environment() | {CACHE: os.environ[CACHE], "PYTHONPATH": str(ROOT)},
        cwd=PLANTED / project,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def test_they_are_installed_and_run_beside_an_older_django(environment: Environment, tmp_path):
    before = environment.versions()
    assert would_install(environment).isdisjoint(name.lower() for name in before)
    environment.pip("install", "--quiet", str(environment.wheel))
    after = environment.versions()
    assert {name: after[name] for name in before} == before
    assert {"codeowners", "networkx", "sqlglot"}.isdisjoint(after)

    survey = ("-m", "carveout", "survey", "--format", "json", *MARKET)
    found = json.loads(environment.run(*survey, project="couplings"))
    assert couplings(found) == couplings(json.loads(here("couplings", *survey)))

    def carveout(*arguments: str, fails: bool = False) -> str:
        command = ("-m", "carveout", *arguments, *MARKET)
        return environment.run(*command, project="couplings", fails=fails)

    assert "catalogue" in carveout("survey", "--format", "html")
    baseline = ("--baseline", str(environment.folder / "baseline.txt"))
    carveout("survey", "--write", *baseline)
    assert "No new coupling." in carveout("survey", "--check", *baseline)
    assert "pip install 'django-carveout[carving]'" in carveout("plan", fails=True)
    environment.pip("install", "--quiet", f"{environment.wheel}[carving]")
    assert {name: environment.versions()[name] for name in before} == before
    assert "points" in carveout("plan")

    record = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--carveout-reach")
    environment.run(*record, "--carveout-record=record.json", project="recorded")
    here("recorded", *record, f"--carveout-record={tmp_path / 'record.json'}")
    file = environment.folder / "recorded" / "record.json"
    expected = recorded(tmp_path / "record.json")
    assert recorded(file) == expected
    runner = ("--testrunner", "carveout.carving.recorder.django_runner.Runner", "--parallel", "2")
    environment.run("manage.py", "test", *runner, project="recorded")
    assert recorded(environment.folder / "recorded" / "carveout-record.json") == expected


def test_the_engine_is_refused_beside_it_with_what_to_run(environment: Environment):
    environment.pip("install", "--quiet", str(environment.wheel))
    (environment.folder / "settings.py").write_text("INSTALLED_APPS = ['carveout']\n")
    told = environment.run("-m", "django", "check", "--settings", "settings", fails=True)
    last = told.splitlines()[-1]
    installed = environment.versions()
    assert f"Django 5.2 or newer ({installed['Django']} is installed)" in last
    assert f"djangorestframework 3.16 or newer ({installed['djangorestframework']} is" in last
    assert "run pip install 'Django>=5.2' 'djangorestframework>=3.16'" in last
