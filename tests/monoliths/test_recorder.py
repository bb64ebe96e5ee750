"""What the recorder costs a real monolith's own tests, with and without it in turns.

Slow: the first run installs Wagtail with its tests under build/monoliths. `make monoliths
MONOLITHS="-k recorder"` runs it. RECORDER_ROUNDS says how often, RECORDER_TESTS which of its tests.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest

from tests.copies import ROOT
from tests.monoliths.subject import FOR_US, HERE, INSTALLED

HOME = INSTALLED / "wagtail-tests"
WANTED = ["wagtail==7.4.4", "pytest", "pytest-django", "sqlglot", "boto3", "freezegun", "Jinja2"]
WANTED += ["azure-mgmt-cdn", "azure-mgmt-frontdoor", "responses", "polib", "openpyxl"]
TESTS = os.environ.get("RECORDER_TESTS", "snippets/tests tests/test_collection_model.py").split()
ROUNDS = int(os.environ.get("RECORDER_ROUNDS", "3"))
SHARE_MAX = 0.15

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


class Took(NamedTuple):
    cpu_s: float
    wall_s: float
    outcome: str
    said: str


@pytest.fixture(scope="module")
def python() -> Path:
    if not (HOME / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
        subprocess.run([HOME / "bin/pip", "install", "--quiet", *WANTED, *FOR_US], check=True)
        (HOME / "installed").touch()
    return HOME / "bin/python"


def run(python: Path, folder: Path, *options: str) -> Took:
    site = next(HOME.glob("lib/python*/site-packages"))
    clock = folder / "clock"
    plugins = ["-p", "no:cacheprovider", "-p", "tests.monoliths.cpu_clock"]
    plugins += ["-p", "carveout.pytest_plugin", "-c", os.devnull, f"--rootdir={site}"]
    ran = subprocess.run(
        [
            *(python, "-m", "pytest", "-q", "-W", "ignore", *plugins, *options),
            *(str(site / "wagtail" / tests) for tests in TESTS),
        ],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)]),
            "DJANGO_SETTINGS_MODULE": "wagtail.test.settings",
            "CPU_CLOCK": str(clock),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"^(?:\d+ \w+(?:, )?)+", ran.stdout.splitlines()[-1])
    assert found, ran.stdout[-2000:] + ran.stderr[-2000:]
    cpu_s, wall_s = map(float, clock.read_text().split())
    said = next((line for line in ran.stdout.splitlines() if "The recorder took" in line), "")
    return Took(cpu_s, wall_s, found[0], said)


def test_the_recorder_costs_a_real_suite_at_most_a_seventh(python, tmp_path):
    """Medians; the outcome of its tests is the same with it as without."""
    recording = f"--carveout-record={tmp_path / 'record.json'}"
    plain, recorded = [], []
    for _ in range(ROUNDS):
        plain.append(run(python, tmp_path))
        recorded.append(run(python, tmp_path, recording))
        print(plain[-1], recorded[-1], sep="\n", flush=True)  # noqa: T201
    cpu = median(each.cpu_s for each in recorded) / median(each.cpu_s for each in plain) - 1
    wall = median(each.wall_s for each in recorded) / median(each.wall_s for each in plain) - 1
    print(f"wagtail | {plain[0].outcome} | CPU {cpu:+.1%} | wall {wall:+.1%}")  # noqa: T201
    assert {each.outcome for each in recorded} == {each.outcome for each in plain}
    assert cpu <= SHARE_MAX
