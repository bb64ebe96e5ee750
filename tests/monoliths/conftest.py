"""Copies of monoliths, for tests that change their code."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.copies import ROOT
from tests.monoliths.subject import HERE, Subject
from tests.monoliths.subjects import SUBJECTS
from tests.monoliths.test_defects import NOT_READ

MIGRATING = "from {} import *\nMIGRATION_MODULES = {{}}\n"
WITHOUT_MIGRATIONS = ("pretix",)
"""Their settings are those of tests, which leave migrations out."""


@dataclass(frozen=True)
class Copy:
    subject: Subject
    folder: Path

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        path = [self.folder if self.subject.on_path else self.folder.parent, ROOT, HERE]
        ours = {
            "PYTHONPATH": os.pathsep.join(map(str, [self.folder.parent, *path])),
            "DJANGO_SETTINGS_MODULE": (
                "migrating" if self.subject.name in WITHOUT_MIGRATIONS else self.subject.settings
            ),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        ran = subprocess.run(
            [self.subject.python, "-W", "ignore", *arguments],
            env={**self.subject.environment, **ours},
            cwd=self.folder.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode in codes and "Traceback" not in ran.stderr, ran.stderr
        return ran.stdout

    def to_migrate(self) -> list[str]:
        """What makemigrations would do, without the names of files, which count migrations."""
        check = ("--skip-checks", "--check", "--dry-run")
        shown = self.run("-m", "django", "makemigrations", *check, codes=(0, 1))
        return [line for line in shown.splitlines() if not line.rstrip().endswith(".py")]


@pytest.fixture(params=SUBJECTS, ids=str)
def copied(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Copy]:
    subject: Subject = request.param
    subject.run("-c", "pass")  # installs it
    folder = shutil.copytree(subject.root, tmp_path / subject.folder, ignore=NOT_READ)
    (tmp_path / "migrating.py").write_text(MIGRATING.format(subject.settings))
    yield Copy(subject, Path(folder))
    shutil.rmtree(tmp_path)
