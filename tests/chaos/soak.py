"""python -m tests.chaos.soak: very many events through one partition, and what that costs.

One process publishes, one relays, one consumes. The log is pruned meanwhile.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests import processes
from tests.chaos.launch import PROJECT, environment
from tests.chaos.stores import Stores, Templates
from tests.eventually import eventually
from tests.processes import Process
from tests.servers import PostgresForTests, ValkeyForTests

EVENTS = 1_000_000
SAMPLES = 10
SAMPLE_TIMEOUT_S = 1_800.0
STREAM_LENGTH = 10_000
STREAM = "carveout:{ledger.0}:stream"
GROWTH_MAX = 1.2
"""Resident memory at the end, at most so many times what it was after the first tenth."""
HEADER = """\
| events | after | relay | consumer | rows in the log | entries in the stream |
|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Sample:
    """A look at everything."""

    handled: int
    after_s: float
    relay_kb: int
    consumer_kb: int
    log_rows: int
    entries: int

    def __str__(self) -> str:
        return (
            f"| {self.handled:,} | {self.after_s:.0f} s | {self.relay_kb / 1024:.1f} MiB"
            f" | {self.consumer_kb / 1024:.1f} MiB | {self.log_rows:,} | {self.entries:,} |"
        )


class Soak:
    """One run in a folder, with servers that were started for it."""

    def __init__(self, events: int, stores: Stores, valkey: ValkeyForTests, folder: Path) -> None:
        self.events = events
        self._stores, self._valkey = stores, valkey
        self._env = environment(
            {
                **stores.env,
                "REDIS_URL": valkey.url,
                "CARVEOUT_DIR": str(folder),
                "PARTITIONS": "1",
                "BATCH_ROWS": "500",
                "STREAM_LENGTH": str(STREAM_LENGTH),
                "LEASE_MS": "10000",
            }
        )
        self._relay = self._process(folder, "relay")
        self._consumer = self._process(folder, "consume", "tally")
        self._flood = self._process(folder, "flood", str(events))
        self._began = time.monotonic()

    def samples(self) -> list[Sample]:
        """Do it all. Returns: a look after each tenth of the events."""
        workers = (self._relay, self._consumer, self._flood)
        try:
            for process in workers:
                process.start()
            return [self._sample(self.events * (at + 1) // SAMPLES) for at in range(SAMPLES)]
        finally:
            for process in workers:
                process.end()

    def tally(self) -> tuple[int, int, int]:
        """How many events were handled, which was the last, and how many were out of order."""
        rows = self._stores.audit("SELECT handled, last, wrong FROM tally_tally")
        return rows[0] if rows else (0, 0, 0)  # type: ignore[return-value]

    def _sample(self, at: int) -> Sample:
        eventually(lambda: self._handled() >= at, SAMPLE_TIMEOUT_S)
        after_s = time.monotonic() - self._began
        processes.run("prune", "ledger", "--older-than", "0", folder=PROJECT, env=self._env)
        with self._valkey.client as client:
            entries = client.xlen(STREAM)
        rows = self._stores.ledger("SELECT count(*) FROM carveout_loggedevent")[0][0]
        memory = _resident_kb(self._relay.pid), _resident_kb(self._consumer.pid)
        return Sample(self._handled(), after_s, *memory, rows, entries)

    def _handled(self) -> int:
        for process in (self._relay, self._consumer):
            assert process.running, process.tail()
        return self.tally()[0]

    def _process(self, folder: Path, *arguments: str) -> Process:
        return Process(arguments[0], arguments, PROJECT, self._env, folder / f"{arguments[0]}.log")


def _resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def complaints(soak: Soak, samples: list[Sample]) -> list[str]:
    """What is not as it should be."""
    first, last = samples[0], samples[-1]
    rules = {
        "handled once and in order": soak.tally() == (soak.events, soak.events, 0),
        "the relay does not grow": last.relay_kb <= first.relay_kb * GROWTH_MAX,
        "the consumer does not grow": last.consumer_kb <= first.consumer_kb * GROWTH_MAX,
        "the log is pruned": last.log_rows <= soak.events // 100,
        "the stream is trimmed": STREAM_LENGTH <= last.entries <= STREAM_LENGTH * 1.2,
    }
    return [f"not so: {rule}" for rule, holds in rules.items() if not holds]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    events = parser.parse_args().events
    valkey = ValkeyForTests()
    valkey.start()
    try:
        with tempfile.TemporaryDirectory(prefix="soak-") as name:
            folder = Path(name)
            stores = Templates(folder, PostgresForTests).new("sqlite", folder / "run")
            soak = Soak(events, stores, valkey, folder)
            samples = soak.samples()
            wrong = complaints(soak, samples)
    finally:
        valkey.close()
    sys.stdout.write("\n".join([HEADER, *map(str, samples), *wrong]) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
