"""A database is restored while all are at work: nothing that is in it passes unheard.

RESTORES says how often.
"""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.chaos.crew import Crew
from tests.chaos.restores import FORMS, Restores
from tests.eventually import eventually
from tests.nursery import Child

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

RESTORES = int(os.environ.get("RESTORES", "2"))
SEED = 5


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_what_a_restored_log_holds_is_handled_once_and_in_order(templates, tmp_path, engine, form):
    there = Restores(engine, form, templates, tmp_path, SEED)
    found = there.report(RESTORES)
    print(f"{engine} {form}: {there.made()} entries, {there.happened}: {found}", *there.notes)  # noqa: T201
    assert found.clean, found


def test_whoever_is_paused_goes_on_while_the_harness_waits_for_a_lock(tmp_path):
    """Or it waits for ever, since it may be the paused one that holds the lock."""
    with subprocess.Popen(["sleep", "60"]) as process:
        child = Child(process.pid, tmp_path)
        nursery = SimpleNamespace(start=lambda *arguments, **options: child)
        crew = Crew(lambda: nursery, tmp_path, sizes={"relay": 1})
        crew.start()
        [relay] = crew.members
        relay.pause(0.1)
        try:
            eventually(lambda: _state(process.pid) == "T")
            crew.meanwhile(lambda: eventually(lambda: _state(process.pid) != "T", 5.0), 5.0)
        finally:
            process.kill()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
