"""What `manage.py check` refuses, and in which words: each folder here is a project.

Its `expected.txt` holds what the check must print, line by line.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.copies import ROOT
from tests.forks import python

HERE = Path(__file__).parent
PROJECTS = [
    pytest.param(path.parent, id=path.parent.name) for path in sorted(HERE.glob("*/expected.txt"))
]


def environment(project: Path, first: Path = HERE) -> dict[str, str]:
    settings = "settings" if (project / "settings.py").exists() else "sound"
    paths = os.pathsep.join(map(str, (first, project, HERE, ROOT)))
    return {**os.environ, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": settings}


def run(project: Path, *arguments: str, first: Path = HERE) -> subprocess.CompletedProcess[str]:
    """A Python that has loaded nothing yet: what is not installed matters here."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment(project, first),
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("project", PROJECTS)
def test_every_mistake_is_said(project):
    command = ("-m", "django", "check", "--fail-level", "WARNING")
    checked = python(*command, folder=project, env=environment(project))
    told = checked.stdout + checked.stderr
    assert (checked.returncode == 0) == (project.name == "sound_project"), told
    for line in (project / "expected.txt").read_text().splitlines():
        assert line in told, told
    assert not re.search(r"<(class|function|\w+ object)\b", told), told


def test_what_needs_an_extra_says_so_in_one_line():
    said = run(HERE / "sound_project", str(HERE / "without_extras.py")).stdout
    assert said.splitlines() == [
        "System check identified no issues (0 silenced).",
        "CommandError: `up` needs aiosmtpd, which is not installed. Run"
        " pip install 'django-carveout[embedded]', or `up --no-mail`.",
        "CommandError: `work` needs rq, which is not installed. Run"
        " pip install 'django-carveout[rq]'.",
        "CommandError: The metrics need prometheus-client: pip install 'django-carveout[metrics]'.",
    ]


OLD = {"Django": "4.2.16", "redis": "4.6.0"}


def test_the_engine_names_what_is_too_old_for_it_and_what_to_run(tmp_path):
    for name, old in OLD.items():
        (tmp_path / f"{name}-{old}.dist-info").mkdir()
        metadata = tmp_path / f"{name}-{old}.dist-info" / "METADATA"
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {old}\n")
    (tmp_path / "plain.py").write_text("INSTALLED_APPS = ['carveout']")
    told = (
        "carveout.errors.NotInstalled: Carveout's engine needs Django 5.2 or newer"
        " (4.2.16 is installed), redis 5.0 or newer (4.6.0 is installed): run"
        " pip install 'Django>=5.2' 'redis>=5.0'. Survey, plan, ratchet and recorder work"
        " without these, and without 'carveout' in INSTALLED_APPS."
    )
    for arguments in (
        ["-m", "django", "check", "--settings", "plain"],
        ["-c", "import carveout; carveout.publish"],
        ["-c", "from carveout import hosted_apps"],
    ):
        ran = run(HERE / "sound_project", *arguments, first=tmp_path)
        assert (ran.returncode, ran.stdout.splitlines()[-1]) == (1, told)


def test_the_tools_run_where_the_engine_could_not(tmp_path):
    project, files = HERE / "recorded", (tmp_path / "baseline.txt", tmp_path / "record.json")
    paths = f"{project}{os.pathsep}{ROOT}"
    ran = subprocess.run(
        [sys.executable, str(HERE / "without_engine.py"), *map(str, files)],
        env={**os.environ, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "mall.settings"},
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "No new coupling." in ran.stdout
    assert "\n".join(["", "trade → suppliers", ""]) in ran.stdout
    assert "sales.views.buy → audit.Entry" in ran.stdout
    assert all(file.exists() for file in files)
