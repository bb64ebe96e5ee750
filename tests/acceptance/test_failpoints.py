"""At each named place a process is killed, on purpose; started again, effects happen once.

The project is the one that chaos happens to. The process with the failpoint armed dies in the
middle of its work; then everything runs again without it, until nothing is left.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carveout import failpoint
from tests.chaos.brittle import BrittleRedis
from tests.chaos.checker import Findings, check, under_way
from tests.chaos.nursery import PROJECT, Nursery
from tests.chaos.stores import Stores, Templates

pytestmark = pytest.mark.chaos  # each takes seconds, and there are many

ENTRIES = 40
LEASE_MS = 200
WORK = ("work", "audit", "--once", "--verbosity=0")
COMES_BY = {
    "publish": ("write", "{total}"),
    "relay": ("relay", "--once"),
    "consumer": ("consume", "audit", "--once"),
    "job: enqueued": ("consume", "audit", "--once"),
    "job: taken": WORK,
    "attempt": WORK,
}
"""The command that comes by a failpoint, by its name or by what that begins with."""
ROUNDS = 5
LONG_AGO = """
    UPDATE carveout_delivery SET COLUMN = '2000-01-01 00:00:00+00:00' WHERE COLUMN IS NOT NULL
"""


class World:
    """The project on one kind of database. All failpoints pass through it, one after the other."""

    def __init__(self, stores: Stores, brittle: BrittleRedis, folder: Path) -> None:
        self.stores, self.brittle = stores, brittle
        self.log = folder / "log"
        self._total = 0
        self._env = {
            **stores.env,
            "REDIS_URL": brittle.url,
            "CARVEOUT_DIR": str(folder),
            "ACCOUNTS": "10",
            "CLOSING_SHARE": "0.5",
            "FAIL_SHARE": "0",
            "LEASE_MS": str(LEASE_MS),
        }
        self._nursery = Nursery(self._env)

    def close(self) -> None:
        self._nursery.close()
        self.brittle.close()

    def dies_at(self, name: str) -> bool:
        """Do everything up to the command that comes by, and that with the failpoint armed."""
        self._total += ENTRIES
        last = COMES_BY[name] if name in COMES_BY else COMES_BY[name.split(":")[0]]
        for command in dict.fromkeys(COMES_BY.values()):
            if command == last:
                break
            self._run(command)
        return self._run_armed(last, f"{name}=kill@2") == -signal.SIGKILL

    def settle(self) -> dict[str, int]:
        """Run everything again until nothing is left. Returns: what is left all the same."""
        for _ in range(ROUNDS):
            time.sleep(LEASE_MS * 1.5 / 1000)
            self._let_time_pass()
            for command in dict.fromkeys(COMES_BY.values()):
                self._run(command)
            if not under_way(self.stores):
                break
        return under_way(self.stores)

    def _run(self, command: tuple[str, ...]) -> None:
        self._nursery.run(*self._with_total(command), log=self.log)

    def _run_armed(self, command: tuple[str, ...], armed: str) -> int:
        with self.log.open("ab") as log:
            return subprocess.run(
                [sys.executable, "manage.py", *self._with_total(command)],
                cwd=PROJECT,
                env={**os.environ, **self._nursery.env, "CARVEOUT_FAILPOINT": armed},
                stdout=log,
                stderr=log,
                check=False,
            ).returncode

    def _with_total(self, command: tuple[str, ...]) -> list[str]:
        return [word.format(total=self._total) for word in command]

    def _let_time_pass(self) -> None:
        """Claims of the dead run out, and what is due later is due now."""
        for column in ("due_at", "claimed_until"):
            self.stores.change("audit", LONG_AGO.replace("COLUMN", column))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("failpoints")
    templates = Templates(folder, lambda: request.getfixturevalue("postgres"))
    running = World(templates.new(request.param, folder / "run"), BrittleRedis("none"), folder)
    yield running
    running.close()


@pytest.mark.parametrize("name", failpoint.NAMES)
def test_killed_there_and_started_again_effects_happen_once_and_in_order(world, name):
    assert world.dies_at(name), f"nobody died; {world.log.read_text()[-3000:]}"
    assert world.settle() == {}
    found = Findings()
    check(world.stores, world.brittle, found)
    assert found.clean, found


def test_an_unknown_failpoint_is_refused(world):
    assert world._run_armed(("check",), "consumer: asleep=kill") == 1
    assert "known names are publish: stored" in world.log.read_text()
