"""The tutorial is walked, step by step, in a copy of the shop before carving."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import forks
from tests.copies import LEFT_OUT, ROOT
from tests.pages import difference, steps

TUTORIAL = ROOT / "docs" / "tutorial" / "first-hour.md"


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """As the reader has it: without what comes of running it."""
    to = tmp_path_factory.mktemp("tutorial") / "tangled"
    left_out = shutil.ignore_patterns("*.sqlite3", "carveout-baseline.txt")
    shutil.copytree(
        ROOT / "examples" / "tangled",
        to,
        ignore=lambda folder, names: LEFT_OUT(folder, names) | left_out(folder, names),
    )
    return to


def ran(command: str, shop: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    env |= {"PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    if command.startswith("python "):
        return forks.ran(command, shop, env)
    done = subprocess.run(
        ["sh", "-c", command], cwd=shop, env=env, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_every_step_shows_what_the_page_says(shop):
    followed = list(steps(TUTORIAL.read_text(encoding="utf-8")))
    for step in followed:
        wrong = difference(step.shown, ran(step.line, shop))
        assert not wrong, f"{step.line}\n{wrong}"
    assert len(followed) >= 7
