"""How long a survey of a large monolith takes, without a cache and with one, and in what memory.

Each figure is of a whole process, the start of the monolith's own Django included.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest

from tests.monoliths.subject import INSTALLED, Subject
from tests.monoliths.test_monoliths import SUBJECTS

LARGE = [
    *(each for each in SUBJECTS if each.name == "pretix"),
    Subject(
        "mayan-edms",
        "mayan-edms==4.12.2",
        settings="mayan.settings.base",
        settings_in="mayan.settings",
        folder="mayan",
        packages=("mayan",),
        env={"MAYAN_MEDIA_ROOT": str(INSTALLED / "mayan-edms" / "media")},
        without=("django-auth-ldap",),
    ),
]
ROUNDS = 3
FIRST_S, SECOND_S, PEAK_MB = 30, 10, 1000
"""For 1,500 modules."""
START = (
    "import django; django.setup(); from django.urls import get_resolver as of; of().url_patterns"
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


class Run(NamedTuple):
    cpu_s: float
    peak_mb: float


@pytest.mark.parametrize("subject", LARGE, ids=str)
def test_a_survey_keeps_to_its_time_and_memory(subject, tmp_path):
    started = run(subject, tmp_path, "-c", START)  # the first time it is compiled
    started = min(run(subject, tmp_path, "-c", START) for _ in range(ROUNDS))
    first = [surveyed(subject, tmp_path, str(each)) for each in range(ROUNDS)]
    second = [surveyed(subject, tmp_path, "0") for _ in range(ROUNDS)]
    report(subject, "its own start", [started])
    report(subject, "first survey", first)
    report(subject, "second survey", second)
    assert max(each.peak_mb for each in first + second) < PEAK_MB
    assert median(each.cpu_s for each in first) < FIRST_S
    assert median(each.cpu_s for each in second) < SECOND_S
    found = {(tmp_path / f"{each}.json").read_bytes() for each in range(ROUNDS)}
    assert len(found) == 1, "with a cache it finds something else"


def surveyed(subject: Subject, folder: Path, cache: str) -> Run:
    """One survey; its result lies beside its cache."""
    told = ("--root", str(subject.root), "--format", "json")
    out = ("--output", str(folder / f"{cache}.json"))
    env = {"CARVEOUT_CACHE_DIR": str(folder / cache)}
    return run(subject, folder, "-m", "carveout", "survey", *told, *out, env=env)


def run(subject: Subject, folder: Path, *arguments: str, env: Mapping[str, str] = {}) -> Run:
    """What a process of the subject's own Python takes, of which there is one thread."""
    child = subprocess.Popen(
        [subject.python, "-W", "ignore", *arguments],
        env={**subject.environment, "PYTHONDONTWRITEBYTECODE": "", **env},
        cwd=subject.home,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def report(subject: Subject, what: str, runs: list[Run]) -> None:
    """Print the figures for docs/explanation/survey-accuracy.md."""
    times = ", ".join(f"{each.cpu_s:.1f} s" for each in runs)
    print(f"{subject} | {what} | {times} | {max(each.peak_mb for each in runs):.0f} MB")  # noqa: T201
