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
    settings = "settings" if (project / "settings.py").exists() else "sound"
    command = ["check", "--fail-level", "WARNING", "--settings", settings]
    paths = os.pathsep.join(map(str, (project, HERE, ROOT)))
    return subprocess.run(
        [sys.executable, "-m", "django", *command],
        env={**os.environ, "PYTHONPATH": paths},
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
