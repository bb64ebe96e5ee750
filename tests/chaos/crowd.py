"""A crowd of consumers on eight partitions: they die, are paused, come and go, and share."""

import random
import time
from collections import Counter
from pathlib import Path

from tests.chaos.brittle import BrittleRedis
from tests.chaos.checker import Findings, check, under_way
from tests.chaos.crew import Crew, Member
from tests.chaos.launch import nursery
from tests.chaos.stores import Templates
from tests.chaos.watcher import Watcher
from tests.eventually import eventually

PARTITIONS = 8
LEASE = "carveout:{{ledger.{}}}:lease:audit"
MEMBERS = "carveout:members:audit"
LEASE_MS = 2_000
PAUSED_S = (0.1, 4.5)
"""The lease is 2 s: many pauses are longer."""
BATCH_S = {"sqlite": 0.0, "postgres": 0.03}
"""So long a batch waits in its transaction: that is where most are killed or paused, and others
overtake. SQLite lets nobody overtake there, and would only keep all waiting."""
ROLES = {"writer": 2, "relay": 1, "worker": 1}
PACE_S = 0.02
EVEN_S = 20.0
DRAIN_S = 30.0


class Crowd:
    """Writers write until `finish`; consumers are as many as a test wants."""

    def __init__(
        self,
        engine: str,
        templates: Templates,
        folder: Path,
        consumers: int,
        lease_ms: int = LEASE_MS,
    ) -> None:
        stores = templates.new(engine, folder)
        self._stores, self._lease_ms = stores, lease_ms
        self._brittle = BrittleRedis("none")
        places = {**stores.env, **self._brittle.env, "CARVEOUT_DIR": str(folder)}
        numbers = {"PARTITIONS": PARTITIONS, "LEASE_MS": lease_ms, "BATCH_S": BATCH_S[engine]}
        self._nursery = nursery({**places, **{name: str(each) for name, each in numbers.items()}})
        everyone = {**ROLES, "consumer": consumers}
        self._crew = Crew(self._nursery, folder, PACE_S, everyone)
        self._found = Findings()
        self._watcher = Watcher(stores, self._found)
        self._crew.start()
        self._watcher.start()

    def close(self) -> None:
        self._watcher.stop()
        self._nursery.close()
        self._brittle.close()

    def consumers(self) -> list[Member]:
        return self._crew.of("consumer")

    def add(self, count: int) -> None:
        for _ in range(count):
            self._crew.add("consumer").start()

    def remove(self, count: int) -> None:
        """Ask so many consumers to end, the oldest first."""
        for member in self.consumers()[:count]:
            self._crew.members.remove(member)
            self._found.stuck += not member.end()

    def kill_one(self, rng: random.Random) -> None:
        """One dies, and another begins in its place."""
        self._any(rng).kill(away_s=0)
        self.tend()

    def pause_one(self, rng: random.Random) -> float:
        """Returns: for how long."""
        paused_s = rng.uniform(*PAUSED_S)
        self._any(rng).pause(paused_s)
        return paused_s

    def tend(self, *, at_once: bool = False) -> None:
        """Bring back whoever's time has come."""
        self._crew.tend(at_once=at_once)

    def wait(self, seconds: float) -> None:
        """Let them work."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tend()
            time.sleep(0.02)

    def evenly(self) -> float:
        """Wait until the living hold all leases, evenly. Returns: how long that took."""
        count = len(self.consumers())
        even = sorted(len(range(rank, PARTITIONS, count)) for rank in range(count))
        began, began_ms = time.monotonic(), self._now_ms()
        eventually(lambda: _equal(self._shares(began_ms), even), EVEN_S)
        return time.monotonic() - began

    def finish(self) -> Findings:
        """No more is written. Wait until all has arrived, end everybody, and check."""
        for writer in self._crew.of("writer"):
            writer.kill(away_s=0)
            self._crew.members.remove(writer)
        eventually(lambda: _equal(under_way(self._stores), {}), DRAIN_S)
        self.tend()
        self._watcher.stop()
        check(self._stores, self._brittle, self._found)
        troubles = [*self._crew.end(), *self._crew.died, *self._watcher.failed]
        self._found.stuck += len(troubles)
        return self._found

    def made(self) -> int:
        [(entries,)] = self._stores.ledger("SELECT count(*) FROM ledger_entry")
        return int(entries)

    def _shares(self, since_ms: int) -> list[int]:
        """How many partitions each member holds that gave a sign of life since then.

        The dead are members for a while, and hold what they held.
        """
        living = self._brittle.client.zrangebyscore(MEMBERS, f"({since_ms + self._lease_ms}", "inf")
        keys = [LEASE.format(number) for number in range(PARTITIONS)]
        held = Counter(self._brittle.client.mget(keys))
        return sorted(held[member] for member in living)

    def _now_ms(self) -> int:
        seconds, microseconds = self._brittle.client.time()
        return seconds * 1000 + microseconds // 1000

    def _any(self, rng: random.Random) -> Member:
        """A consumer who is at work; if all are paused, the first who goes on."""

        def somebody() -> Member | None:
            self.tend()
            return self._crew.any_of("consumer", rng)

        return eventually(somebody)


def _equal(found: object, wanted: object) -> bool:
    assert found == wanted, found
    return True
