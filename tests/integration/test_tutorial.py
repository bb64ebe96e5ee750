"""The tutorial is walked, step by step, in a copy of the shop before carving."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.copies import LEFT_OUT, ROOT

TUTORIAL = ROOT / "docs" / "tutorial" / "first-hour.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ELISION = "…"
TIMES = re.compile(r"\d+\.\d+")


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
    env |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
    }
    done = subprocess.run(
        ["sh", "-c", command], cwd=shop, env=env, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_every_step_shows_what_the_page_says(shop):
    blocks = BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))
    for block in blocks:
        walk(block, shop)
    assert len(blocks) >= 7


def walk(text: str, shop: Path) -> None:
    command, shown = "", list[str]()
    for line in [*text.splitlines(), "$ "]:
        if not line.startswith("$ "):
            shown.append(line)
            continue
        if command:
            compare(command, shown, ran(command, shop))
        command, shown = line.removeprefix("$ "), []


def compare(command: str, shown: list[str], printed: str) -> None:
    """All lines of the page are printed, in this order; between elisions without a gap."""
    lines = [TIMES.sub("0.0", line.rstrip()) for line in printed.splitlines()]
    at, gap = 0, True
    for wanted in (TIMES.sub("0.0", line.rstrip()) for line in shown):
        if wanted == ELISION:
            gap = True
            continue
        assert wanted in lines[at:], f"{command}\ndoes not print: {wanted}\nbut:\n{printed}"
        place = lines.index(wanted, at)
        assert gap or place == at, f"{command}\nprints more before: {wanted}\n{printed}"
        at, gap = place + 1, False
