"""SIGTERM ends every worker within moments, whatever it is doing, and also while Redis is away.

What was under way is finished or rolled back. SIGTERM_TIMES says how often each is asked.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from operator import itemgetter
from pathlib import Path

import pytest

from tests.chaos.launch import PROJECT, environment, nursery
from tests.chaos.stores import Stores, Templates
from tests.eventually import eventually
from tests.nursery import Child
from tests.servers import PostgresForTests, ValkeyForTests

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

TIMES = int(os.environ.get("SIGTERM_TIMES", "3"))
DEADLINE_S = 6.0
HANDLER_S = 0.5
Command = tuple[str, ...]

FLOOD = ("flood", "1000000")
WRITE = ("write", "1000000", "--pace=0.05")
RELAY = ("relay",)
CONSUME = ("consume", "audit")
WORK = ("work", "audit", "--verbosity=0")
BESIDES = {RELAY: (FLOOD,), CONSUME: (WRITE, RELAY), WORK: (WRITE, RELAY, CONSUME)}
"""What runs as well, so that a worker is busy."""
WAITING_FLAGS = {RELAY: "P", CONSUME: "b", WORK: "b"}
"""How Redis marks the connection of a worker that waits: subscribed, or blocked."""
GONE = ("did not answer", "could not connect")


class Site:
    """The project with the defaults of a deployment, and handlers that take their time."""

    def __init__(
        self, stores: Stores, valkey: ValkeyForTests, folder: Path, partitions: int = 16
    ) -> None:
        self.stores, self.valkey, self.folder = stores, valkey, folder
        env = {
            **stores.env,
            "REDIS_URL": valkey.url,
            "CARVEOUT_DIR": str(folder),
            "PARTITIONS": str(partitions),
            "BLOCK_MS": "1000",
            "LEASE_MS": "10000",
            "FAIL_SHARE": "0",
            "CLOSING_SHARE": "0.5",
        }
        self.env = env
        self.hasty = nursery(env)
        self.slow_env = {**env, "BATCH_S": str(HANDLER_S), "JOB_S": str(HANDLER_S)}
        self.slow = nursery(self.slow_env)

    def start(self, *commands: Command) -> None:
        """Run these as well, until all is closed."""
        for command in commands:
            self.hasty.start(*command, log=self.folder / f"besides-{command[0]}.log")

    def close(self) -> None:
        self.hasty.close()
        self.slow.close()

    def waits(self, command: Command) -> bool:
        with self.valkey.client as client:
            return any(WAITING_FLAGS[command] in each["flags"] for each in client.client_list())

    def works(self, command: Command) -> Callable[[], bool]:
        """Is the worker in the middle of something?"""
        if command == RELAY:
            before = self.head()
            return lambda: self.head() > before
        if command == CONSUME:
            return self._in_a_batch
        claimed = self._claimed_until()
        return lambda: self._claimed_until() > claimed

    def effects(self) -> int:
        """Of the handler that takes one event at a time."""
        effects = "SELECT count(*) FROM audit_effect WHERE subscription = 'one'"
        return int(self.stores.audit(effects)[0][0])

    def head(self) -> int:
        head = "SELECT coalesce(sum(head), 0) FROM carveout_partition"
        return int(self.stores.ledger(head)[0][0])

    def _in_a_batch(self) -> bool:
        with self.valkey.client as client:
            return bool(client.keys("carveout:*:batch:audit"))

    def _claimed_until(self) -> str:
        """Until when the latest attempt may take."""
        latest = "SELECT coalesce(max(claimed_until), '') FROM carveout_delivery"
        return str(self.stores.audit(latest)[0][0])


class Worker:
    """The one that is asked to end: forked by the nursery, or `manage.py` started anew."""

    def __init__(self, site: Site, command: Command, *, anew: bool) -> None:
        self._log = site.folder / f"{command[0]}-{time.monotonic_ns()}.log"
        self._process: subprocess.Popen[bytes] | Child
        if anew:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "manage.py", *command],
                    cwd=PROJECT,
                    env=environment(site.slow_env),
                    stdout=log,
                    stderr=log,
                )
        else:
            self._process = site.slow.start(*command, log=self._log)

    @property
    def printed(self) -> str:
        return self._log.read_text()

    def missed_redis(self) -> bool:
        """Did it say that Redis is away?"""
        return any(words in self.printed for words in GONE)

    def end(self) -> float:
        """SIGTERM. Returns: how long it took until it had ended well."""
        began, code = time.monotonic(), None
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(DEADLINE_S)
        took_s = time.monotonic() - began
        assert code == 0, f"{code} after {took_s:.1f} s; {self.printed[-3000:]}"
        return took_s

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(DEADLINE_S)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp("templates"), PostgresForTests)


@pytest.fixture
def site(templates, tmp_path, valkey) -> Iterator[Site]:
    there = Site(templates.new("sqlite", tmp_path), valkey, tmp_path)
    yield there
    there.close()


@pytest.mark.parametrize("away", [False, True], ids=["redis", "no redis"])
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@pytest.mark.parametrize("command", BESIDES, ids=itemgetter(0))
def test_every_worker_ends_when_asked(site, command, busy, away):
    if busy:
        site.start(*BESIDES[command])
    took_s = [ask_to_end(site, command, turn, busy, away) for turn in range(TIMES)]
    print(f"{TIMES} of {TIMES} ended with 0, the slowest after {max(took_s):.2f} s")  # noqa: T201


EACH_S, BETWEEN_S = 0.5, 4.0
ENTRIES = 2 * int(BETWEEN_S / EACH_S + 1) + 1
"""More than two consumers can get through, even if they start in no time."""


def test_a_consumer_that_is_ended_again_and_again_still_gets_through(templates, tmp_path, valkey):
    """Each event takes long, all are one batch, and what was handled before the signal is kept."""
    site = Site(templates.new("sqlite", tmp_path), valkey, tmp_path, partitions=1)
    site.slow.close()
    site.slow_env = {**site.env, "EACH_S": str(EACH_S)}
    site.slow = nursery(site.slow_env)
    try:
        site.hasty.run("write", str(ENTRIES), log=tmp_path / "write.log")
        site.hasty.run("relay", "--once", log=tmp_path / "relay.log")
        effects, ended_s = [0], list[float]()
        while effects[-1] < site.head():
            worker = Worker(site, CONSUME, anew=True)
            time.sleep(BETWEEN_S)
            ended_s.append(worker.end())
            effects.append(site.effects())
            assert effects[-1] > effects[-2], worker.printed[-3000:]
        assert effects[-1] == site.head() >= ENTRIES
        assert len(ended_s) > 2, "the batch was never left unfinished twice"
        print(f"after each end {effects} events, {max(ended_s):.2f} s at most")  # noqa: T201
    finally:
        site.close()


def ask_to_end(site: Site, command: Command, turn: int, busy: bool, away: bool) -> float:
    """One worker from its start to its end. Returns: how long the end took."""
    is_there = site.works(command) if busy else partial(site.waits, command)
    worker = Worker(site, command, anew=turn == 0)
    try:
        eventually(is_there)
        if away:
            site.valkey.kill()
            eventually(lambda: busy or worker.missed_redis())
        return worker.end()
    finally:
        worker.kill()
        site.valkey.flush()
