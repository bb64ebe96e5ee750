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

HERE = Path(__file__).parent
PROJECTS = [
    pytest.param(path.parent, id=path.parent.name) for path in sorted(HERE.glob("*/expected.txt"))
]


def check(project: Path) -> subprocess.CompletedProcess[str]:
    return run(project, "-m", "django", "check", "--fail-level", "WARNING")


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = "settings" if (project / "settings.py").exists() else "sound"
    paths = os.pathsep.join(map(str, (project, HERE, ROOT)))
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": settings},
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("project", PROJECTS)
def test_every_mistake_is_said(project):
    checked = check(project)
    assert (checked.returncode == 0) == (project.name == "sound_project"), checked.stdout
    for line in (project / "expected.txt").read_text().splitlines():
        assert line in checked.stdout, checked.stdout
    assert not re.search(r"<(class|function|\w+ object)\b", checked.stdout), checked.stdout


def test_what_needs_an_extra_says_so_in_one_line():
    said = run(HERE / "sound_project", str(HERE / "without_extras.py")).stdout
    assert said.splitlines() == [
        "System check identified no issues (0 silenced).",
        "CommandError: `up` needs honcho, which is not installed. Run"
        " pip install 'django-carveout[embedded]'.",
        "CommandError: `work` needs rq, which is not installed. Run"
        " pip install 'django-carveout[rq]'.",
        "CommandError: The metrics need prometheus-client: pip install 'django-carveout[metrics]'.",
    ]
