"""Random defects in copies of real monoliths: each costs the survey only itself, and is told.

Slow: `make monoliths` runs it. DEFECTS in the environment says how many for each; SEED which.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.copies import ROOT
from tests.monoliths.subject import HERE, Subject
from tests.monoliths.subjects import SUBJECTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]
DEFECTS = os.environ.get("DEFECTS", "100")
SEED = os.environ.get("SEED", "1")
NOT_READ = shutil.ignore_patterns("__pycache__", "node_modules", "locale", "dist", "*.js", "*.map")


@pytest.fixture(params=SUBJECTS, ids=str)
def copied(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Subject, Path]]:
    subject: Subject = request.param
    subject.run("-c", "pass")  # installs it
    yield subject, Path(shutil.copytree(subject.root, tmp_path / subject.folder, ignore=NOT_READ))
    shutil.rmtree(tmp_path)


def test_each_of_many_random_defects_costs_only_itself_and_is_told(copied):
    subject, folder = copied
    path = os.pathsep.join(map(str, (folder if subject.on_path else folder.parent, ROOT, HERE)))
    told = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [subject.python, "-W", "ignore", HERE / "defects.py", folder, SEED, DEFECTS],
        env={**subject.environment, **told},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"{subject}: {ran.stdout}")  # noqa: T201 -- for who runs it
    assert ran.returncode == 0, ran.stdout + ran.stderr
