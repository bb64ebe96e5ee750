"""The project led step by step: a process runs when a test says so, and dies or stops where."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.chaos.brittle import BrittleRedis
from tests.chaos.checker import Findings, check, under_way
from tests.chaos.launch import PROJECT, environment, nursery
from tests.chaos.stores import Stores
from tests.nursery import Child

Command = tuple[str, ...]

WRITE: Command = ("write", "{total}")
RELAY: Command = ("relay", "--once")
CONSUME: Command = ("consume", "audit", "--once")
WORK: Command = ("work", "audit", "--once", "--verbosity=0")
STEPS = (WRITE, RELAY, CONSUME, WORK)

ENTRIES = 50
LEASE_MS = 200
ROUNDS = 5
LONG_AGO = """
    UPDATE carveout_delivery SET COLUMN = '2000-01-01 00:00:00+00:00' WHERE COLUMN IS NOT NULL
"""


class World:
    """The project on one kind of database, and a Redis that keeps nothing."""

    def __init__(self, stores: Stores, folder: Path, **env: str) -> None:
        self.stores = stores
        self.brittle = BrittleRedis("none")
        self.log = folder / "log"
        self._total = 0
        self._env = {
            **stores.env,
            **self.brittle.env,
            "CARVEOUT_DIR": str(folder),
            "ACCOUNTS": "10",
            "BATCH_ROWS": "5",  # so that every place is passed several times
            "CLOSING_SHARE": "0.5",
            "FAIL_SHARE": "0",
            "LEASE_MS": str(LEASE_MS),
            **env,
        }
        self._nursery = nursery(self._env)

    def close(self) -> None:
        self._nursery.close()
        self.brittle.close()

    def want_more(self) -> None:
        """Let WRITE make so many entries more."""
        self._total += ENTRIES

    def want_less(self) -> None:
        """Let WRITE be content with what was there before."""
        self._total -= ENTRIES

    def run(self, *commands: Command) -> None:
        """Commands from start to end, one after the other."""
        for command in commands:
            self._nursery.run(*self._with_total(command), log=self.log)

    def begin(self, command: Command) -> Child:
        """A command that goes on by itself."""
        return self._nursery.start(*self._with_total(command), log=self.log)

    def start(self, command: Command, failpoint: str) -> subprocess.Popen[bytes]:
        """A command as a process of its own, with a failpoint armed."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", *self._with_total(command)],
                cwd=PROJECT,
                env={**os.environ, **environment(self._env), "CARVEOUT_FAILPOINT": failpoint},
                stdout=log,
                stderr=log,
            )

    def settle(self) -> dict[str, int]:
        """Run everything again until nothing is left. Returns: what is left all the same."""
        for _ in range(ROUNDS):
            time.sleep(LEASE_MS * 1.5 / 1000)
            self._let_time_pass()
            self.run(*STEPS)
            if not under_way(self.stores):
                break
        return under_way(self.stores)

    def findings(self) -> Findings:
        found = Findings()
        check(self.stores, self.brittle, found)
        return found

    def _with_total(self, command: Command) -> list[str]:
        return [word.format(total=self._total) for word in command]

    def _let_time_pass(self) -> None:
        """Claims of the dead run out, and what is due later is due now."""
        for column in ("due_at", "claimed_until"):
            self.stores.change("audit", LONG_AGO.replace("COLUMN", column))
