"""One run: work under faults, heal, wait until all has arrived, check."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.chaos import faults, pooler
from tests.chaos.brittle import Brittle, BrittleRedis
from tests.chaos.checker import Findings, Truth, check, under_way
from tests.chaos.crew import Crew, Member
from tests.chaos.faults import Faults, Weights
from tests.chaos.launch import nursery
from tests.chaos.stores import Stores
from tests.chaos.watcher import Watcher
from tests.nursery import Child, Nursery

DRAIN_S = 30.0
PRUNE_EVERY_S = 10.0
FILL_EVERY_S = 3.0
KINDS = ("handlers", "clocks", "releases", "pgbouncer", "restores", "copies")
"""Kinds of faults that may be left out: handlers that misbehave, clocks that jump, two releases
side by side, a PgBouncer before PostgreSQL, with both of them dying, and databases that are
restored, which has its own scenario after the run. And a table that announces itself, with an own
copy that is filled again and again."""
BACKLOG = 1_000
"""Writers wait while the audit is more events than this behind, or a fifth of it in deliveries."""
MIXED_FROM = 0.1
"""So much of the events is written before release 2 comes."""
RENEWED_FROM = 0.7
"""And so much before release 1 goes: what is new has time to hear all from the beginning."""


@dataclass(frozen=True)
class Plan:
    """What a run is to be."""

    seed: int
    events: int
    faults: int
    engine: str = "sqlite"
    redis: str = "none"
    weights: Weights | None = None
    """Default: all faults of its kinds."""
    pace_s: float = 0.0
    """How long a writer rests between transactions."""
    kinds: tuple[str, ...] = KINDS

    @property
    def pooled(self) -> bool:
        return "pgbouncer" in self.kinds and self.engine == "postgres" and pooler.installed()

    def faults_to_choose(self) -> Weights:
        if self.weights is not None:
            return self.weights
        left_out = set() if self.pooled else {"pgbouncer"}
        return faults.of_kinds(set(self.kinds) - left_out)


@dataclass
class Report:
    """What came of it."""

    plan: Plan
    found: Findings
    faults: dict[str, int] = field(default_factory=dict)
    events: int = 0
    drained_s: float = 0.0
    duration_s: float = 0.0
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds: Counter[str] = Counter()
        for name, count in self.faults.items():
            kinds[name.split()[0]] += count
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        return (
            f"seed {self.plan.seed} {self.plan.engine} redis-{self.plan.redis}"
            f" {self.events} events {sum(self.faults.values())} faults ({told}): {self.found};"
            f" drained {self.drained_s:.1f} s after healing; {self.duration_s:.0f} s"
        )


class Run:
    """A plan that is carried out in a folder."""

    def __init__(
        self,
        plan: Plan,
        stores: Stores,
        folder: Path,
        redis: Callable[[str], Brittle] = BrittleRedis,
    ) -> None:
        self._plan, self._stores, self._folder, self._redis = plan, stores, folder, redis
        self._report = Report(plan, Findings())
        self._pruned_at = time.monotonic()
        self._releases: list[Nursery] = []
        self._unheard: Child | None = None
        self._filled_at = 0.0
        self._truth = Truth(plan.kinds, str(plan.seed))
        self._settled = "releases" not in plan.kinds
        """Is all delivered that release 2 hears and release 1 did not?"""
        self._share = 0.0 if "releases" in plan.kinds else 1.0
        """Of the processes that begin now, so many are of release 2."""

    def report(self) -> Report:
        """Do it all. Returns: what was found."""
        began = time.monotonic()
        brittle = self._redis(self._plan.redis)
        env = {
            **self._stores.env,
            **brittle.env,
            "CARVEOUT_DIR": str(self._folder),
            "BACKLOG": str(BACKLOG),
            "KINDS": " ".join(self._plan.kinds),
            "SEED": str(self._plan.seed),
        }
        try:
            with (
                nursery(env | {"RELEASE": "1"}) as first,
                nursery(env | {"RELEASE": "2"}) as second,
            ):
                self._releases = (first, second)
                self._work(brittle)
            check(self._stores, brittle, self._report.found, self._truth)
            self._report.notes += self._report.found.told
        finally:
            brittle.close()
            self._stores.close()
        self._report.duration_s = time.monotonic() - began
        return self._report

    def _work(self, brittle: Brittle) -> None:
        crew = Crew(self._nursery, self._folder, self._plan.pace_s)
        watcher = Watcher(self._stores, self._report.found, copies="copies" in self._plan.kinds)
        crew.start()
        watcher.start()
        self._suffer(crew, brittle)
        crew.tend(at_once=True)
        crew.stop_writing()
        self._report.events = self._made()
        self._wait_until_drained(crew)
        watcher.stop()
        self._note("did not end on SIGTERM", crew.end())
        self._note("died by itself", crew.died)
        if self._unheard and self._unheard.poll() != 0:
            self._note("failed", ["unheard.log"])
        self._note("the watcher failed", [repr(error) for error in watcher.failed])
        self._truth = replace(self._truth, broken_off=self._broken_off(crew.of("worker")))

    def _broken_off(self, workers: list[Member]) -> int:
        """How many attempts of jobs were broken off, at most: each is counted, and has no end."""
        outages = ("database crash", "database restart pooler")
        outages_met = sum(self._report.faults.get(each, 0) for each in outages) * len(workers)
        return outages_met + sum(worker.broken_off for worker in workers)

    def _nursery(self) -> Nursery:
        """Of the release that the next process has."""
        return self._releases[random.random() < self._share]

    def _suffer(self, crew: Crew, brittle: Brittle) -> None:
        rng = random.Random(self._plan.seed)
        weights = self._plan.faults_to_choose()
        happening = Faults(crew, brittle, rng, weights, self._stores.faults())
        planned, events = self._plan.faults, self._plan.events
        while (made := self._made()) < events or happening.happened.total() < planned:
            self._release(made, crew)
            if faults.in_step(happening.happened.total(), planned, made, events):
                happening.strike()
            self._tend(crew)
            self._prune()
            faults.rest()
        self._report.faults = dict(happening.happened)

    def _release(self, made: int, crew: Crew) -> None:
        """Let release 2 come; when it has been everywhere, have delivered what passed before."""
        if self._share < 1.0 and made >= self._plan.events * RENEWED_FROM:
            self._share = 1.0
            crew.renew()
        if self._settled:
            return
        if self._share < 1.0 and made >= self._plan.events * MIXED_FROM:
            self._share = 0.5
        cursors = "SELECT count(*) FROM carveout_cursor WHERE subscription = 'audit.late'"
        partitions = "SELECT count(*) FROM carveout_partition WHERE context = 'ledger'"
        places = self._stores.ledger(partitions)[0][0]
        if places and self._stores.audit(cursors)[0][0] == places:
            self._settled = True
            self._deliver_missed()

    def _deliver_missed(self) -> None:
        log = self._folder / "unheard.log"
        command = ("unheard", "audit.wide", "--deliver", "--yes")
        self._unheard = self._releases[1].start(*command, log=log)

    def _tend(self, crew: Crew) -> None:
        """Begin again what ended: processes, and the delivery if an outage ended it.

        As an operator does: what the command did so far is stored.
        """
        crew.tend()
        if self._unheard and self._unheard.poll() not in (None, 0):
            self._deliver_missed()
        if "copies" in self._plan.kinds and time.monotonic() - self._filled_at > FILL_EVERY_S:
            self._filled_at = time.monotonic()
            command = ("copies", "fill", "audit.Card")
            self._releases[1].start(*command, log=self._folder / "fill.log")

    def _prune(self) -> None:
        """All that everybody has handled, so that a cursor that was forgotten would be noticed.

        Not before release 2 is there: what is new in it hears from the beginning.
        """
        if self._settled and time.monotonic() - self._pruned_at > PRUNE_EVERY_S:
            self._pruned_at = time.monotonic()
            log = self._folder / "prune.log"
            self._releases[1].start("prune", "ledger", "--older-than", "0", log=log)

    def _wait_until_drained(self, crew: Crew) -> None:
        healed_at = time.monotonic()
        while left := self._left():
            if time.monotonic() - healed_at > DRAIN_S:
                self._note("still under way", [f"{name}: {count}" for name, count in left.items()])
                break
            self._tend(crew)
            time.sleep(0.2)
        self._report.drained_s = time.monotonic() - healed_at

    def _left(self) -> dict[str, int]:
        """What is under way, and whether what passed before is still being delivered."""
        delivering = {"unheard": 1} if self._unheard and self._unheard.poll() != 0 else {}
        return under_way(self._stores, self._truth) or delivering

    def _made(self) -> int:
        return int(
            self._stores.ledger("SELECT coalesce(sum(entries), 0) FROM ledger_account")[0][0]
        )

    def _note(self, what: str, which: list[str]) -> None:
        """Something that must not be: it counts as stuck."""
        self._report.found.stuck += len(which)
        if which:
            self._report.notes.append(f"{what}: {', '.join(which)}")
