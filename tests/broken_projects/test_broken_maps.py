"""What `manage.py contextmap --check` finds: each folder in `maps` is a project.

Its `expected.txt` is all that the check says.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.copies import ROOT

MAPS = Path(__file__).parent / "maps"
PROJECTS = [
    pytest.param(path.parent, id=path.parent.name) for path in sorted(MAPS.glob("*/expected.txt"))
]
SOUND = "The map fits together.\n"


def contextmap(project: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "django", "contextmap", *options, "--settings", "together"]
    paths = os.pathsep.join(map(str, (project, MAPS, ROOT)))
    return subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": paths, **env},
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("project", PROJECTS)
def test_what_does_not_fit_is_found_with_file_and_line(project):
    expected = (project / "expected.txt").read_text()
    checked = contextmap(project, "--check")
    assert checked.stdout == expected, checked.stderr
    assert checked.returncode == (0 if expected.endswith(SOUND) else 1)


def test_of_a_context_without_a_contract_nothing_is_claimed():
    checked = contextmap(MAPS / "lookup_cycle", "--check", CONTEXTS="desk")
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout == (
        "notice: desk/lookups.py:20: Box reads depot.box;"
        " depot is not hosted here and its contract is missing.\n"
        "notice: desk/subscribers.py:8: desk.close hears depot.BoxPacked;"
        " depot is not hosted here and its contract is missing.\n" + SOUND
    )
