"""The survey of a project with a cache is, to the letter, the survey without one."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.broken_projects.test_couplings import PROJECT, run
from tests.copies import LEFT_OUT, ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return shutil.copytree(PROJECT, tmp_path / "project", ignore=LEFT_OUT)


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all caches; it is not there yet."""
    monkeypatch.setenv("CARVEOUT_CACHE_DIR", str(tmp_path / "caches"))
    return tmp_path / "caches"


def test_after_any_edits_it_finds_what_it_finds_without_a_cache(project, caches):
    ran = subprocess.run(
        [sys.executable, "-m", "tests.survey_edits", "6", "30"],
        env={
            **os.environ,
            "PYTHONPATH": f"{project}{os.pathsep}{ROOT}",
            "DJANGO_SETTINGS_MODULE": "market.settings",
        },
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert len(list(caches.iterdir())) == 1


def test_without_a_cache_nothing_is_kept_and_the_project_stays_as_it_was(project, caches):
    before = sorted(project.rglob("*"))
    without = run("--no-cache", project=project)
    assert not caches.exists()
    with ThreadPoolExecutor() as pool:  # surveys at the same time do not disturb each other
        assert set(pool.map(lambda _: run(project=project), range(3))) == {without}
    assert len(list(caches.iterdir())) == 1
    assert sorted(path for path in project.rglob("*") if "__pycache__" not in path.parts) == before
