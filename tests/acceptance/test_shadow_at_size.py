"""Shadow with real processes: twelve planted faults are found, and nothing else is.

`make shadowed`: 10,000 sales, 1,000 for each fault, and 4,000 while the seam is switched;
`SHADOWED_SEED` chooses other ones. `.ci/run` runs a short form.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import processes
from tests.copies import ROOT
from tests.eventually import eventually
from tests.integration.test_unlinking import url_of
from tests.processes import Process

PROJECT = ROOT / "tests/shadowed"
SALES = int(os.environ.get("SHADOWED_SALES", "400"))
SALES_WITH_FAULT = int(os.environ.get("SHADOWED_SALES_WITH_FAULT", "40"))
SALES_WHILE_SWITCHED = int(os.environ.get("SHADOWED_SALES_WHILE_SWITCHED", "300"))
SEED = int(os.environ.get("SHADOWED_SEED", "1"))
KILL_EVERY_S = 5.0
MODES = ("direct", "shadow", "events")
WEB_WORKERS = 4
FAULTS = {
    "event lost": "missing",
    "doubled": "extra",
    "wrong field": "mail.to",
    "stale lookup": "mail.body",
    "missing row": "ledger_entry: missing",
    "extra row": "ledger_entry: extra",
    "wrong update": "ledger_account.sales",
    "missing delete": "ledger_reservation",
    "extra mail": "mail: extra",
    "missing job": "job",
    "wrong amount": "ledger_account.balance",
    "reordered": "order of",
}
"""By fault: what one of the kinds that are told says."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200 + SALES // 4)]


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with url_of(request, tmp_path) as url:
        yield url


class Till:
    """The project as running processes."""

    def __init__(self, folder: Path, url: str, redis_url: str) -> None:
        self.folder = folder
        self.env = {
            **os.environ,
            "DATABASE_URL": url,
            "REDIS_URL": redis_url,
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONPATH": f"{PROJECT}{os.pathsep}{ROOT}",
            "COLUMNS": "200",
        }

    def process(self, *arguments: str, **env: str) -> Process:
        log = self.folder / f"{'-'.join(arguments)}.log"
        return Process(arguments[0], arguments, PROJECT, {**self.env, **env}, log)

    def run(self, *arguments: str) -> str:
        return processes.run(*arguments, folder=PROJECT, env=self.env)

    def sell(self, sales: int, seed: int, customers: int, **env: str) -> str:
        """Sell with four workers beside a relay and a consumer, until all is compared.

        customers: few of them share accounts, so more rows move on.

        Returns: what `seams` prints then.
        """
        self.run("seams", "ledger.book", "--mode", "shadow", "--reason", "a test")
        workers = [self.process("relay"), self.process("consume", "ledger", **env)]
        for each in workers:
            each.start()
            each.wait_until_it_says("ing ")
        crowd = ("--customers", str(customers))
        web = [
            self.process("sell", str(sales // WEB_WORKERS), str(seed * 100 + number), *crowd)
            for number in range(WEB_WORKERS)
        ]
        for each in web:
            each.start()
        assert [each.wait(SALES) for each in web] == [0] * WEB_WORKERS, web[0].tail()
        try:
            eventually(lambda: self.waiting() == 0, timeout_s=120 + sales / 5)
        finally:
            for each in workers:
                each.terminate()
        return self.run("seams", "ledger.book")

    def waiting(self) -> int:
        return self.numbers(self.run("seams", "ledger.book"))["waiting"]

    def count(self) -> list[str]:
        """What is not booked as it has to be; at the end how many sales there are."""
        return list(json.loads(self.run("count").splitlines()[-1]))

    def is_done(self) -> bool:
        return len(self.count()) == 1

    def numbers(self, printed: str) -> dict[str, int]:
        """The counts of the second table."""
        lines = printed.splitlines()
        at = next(at for at, line in enumerate(lines) if " not comparable " in line)
        heading, row = lines[at : at + 2]
        names = ["compared", "equal", "different", "moved on", "not comparable", "waiting"]
        at = [heading.index(f" {name}") + 1 for name in names]
        return {
            name: int(row[start:].split()[0].replace(",", ""))
            for name, start in zip(names, at, strict=True)
        }


@pytest.fixture
def till(tmp_path: Path, database_url: str, redis_url: str) -> Till:
    ours = Till(tmp_path, database_url, redis_url)
    ours.run("migrate", "-v0")
    return ours


def test_nothing_differs_whatever_happens_at_the_same_time(till):
    printed = till.sell(SALES, SEED, customers=SALES)
    print(f"\n{printed}")  # noqa: T201
    numbers = till.numbers(printed)
    told = ("compared", "moved on", "not comparable")
    assert sum(numbers[each] for each in told) == SALES // WEB_WORKERS * WEB_WORKERS
    assert (numbers["different"], numbers["not comparable"]) == (0, 0)
    assert numbers["equal"] > SALES / 4


def test_each_planted_fault_is_found(till):
    for seed, (fault, words) in enumerate(FAULTS.items(), start=1):
        printed = till.sell(SALES_WITH_FAULT, seed, customers=20 * SALES_WITH_FAULT, FAULT=fault)
        kinds = [line for line in printed.splitlines() if " different: " in line]
        assert any(words in line for line in kinds), f"{fault}:\n{printed}"
        print(f"{fault}: {till.numbers(printed)}, {kinds[0].strip()[:150]}")  # noqa: T201


def test_each_sale_is_booked_once_however_the_seam_is_switched(till):
    """At about 50 sales a second, and while consumers are killed."""
    workers = [till.process("relay"), till.process("consume", "ledger")]
    web = [
        till.process(
            *("sell", str(SALES_WHILE_SWITCHED // WEB_WORKERS), str(SEED * 100 + number)),
            *("--customers", "100", "--pause", "0.3", "--calm"),
        )
        for number in range(WEB_WORKERS)
    ]
    switch, kills = till.process("switch"), 0
    for each in (*workers, *web, switch):
        each.start()
    while any(each.running for each in web):
        time.sleep(KILL_EVERY_S)
        workers[1].kill()
        kills += 1
        workers[1].start()
    assert switch.terminate() == 0
    switched = Counter(line for line in switch.printed().split() if line in MODES)
    assert [each.wait() for each in web] == [0] * WEB_WORKERS, web[0].tail()
    eventually(till.is_done, timeout_s=120 + SALES_WHILE_SWITCHED / 5)
    for each in workers:
        each.terminate()
    [*faults, sales] = till.count()
    print(f"\n{sales}, switched {dict(switched)}, {kills} kills: {faults}")  # noqa: T201
    assert faults == []
