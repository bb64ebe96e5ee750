"""Restores: the ledger's database is put back to a backup while all are at work.

The truth is restored with it: entries that came after the backup never were. A person does what
the messages ask for, `epoch` and `replay`, some time later, and meanwhile more is written.
"""

import random
import sqlite3
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import psycopg
from psycopg import sql

from tests.chaos.brittle import BrittleRedis
from tests.chaos.checker import HEADS, Findings, Truth, check, plain, under_way
from tests.chaos.crew import Crew
from tests.chaos.faults import Faults
from tests.chaos.launch import nursery
from tests.chaos.stores import Stores, Templates

FORMS = ("together", "apart")
"""Ledger and audit in one database, which goes back as a whole; or in two, and one goes back."""
ROLES = {"writer": 2, "relay": 2, "consumer": 2, "worker": 1}
PACE_S = 0.01
WAIT_S = (0.3, 2.0)
LOST_S = (0.2, 1.0)
"""Between a backup and its return: what comes then is lost."""
LATE_S = (0.5, 4.0)
"""Until a person comes. The log often outgrows the stream of the lost one meanwhile."""
DRAIN_S = 30.0
COMMAND_S = 60.0
"""A backup, its return, and a person's command each end within this time, or are stuck."""
WEIGHTS = {
    "kill relay": 2,
    "kill consumer": 3,
    "kill worker": 1,
    "pause relay": 2,
    "redis flush": 1,
}
Cursors = list[tuple[str, int, int, str]]

UNPLACED = "SELECT event_id FROM carveout_loggedevent WHERE position IS NULL"


class Restores:
    """A backup is taken and put back later, again and again, while all are at work."""

    def __init__(
        self, engine: str, form: str, templates: Templates, folder: Path, seed: int
    ) -> None:
        self._rng = random.Random(seed)
        self._folder, self._form, self._together = folder, form, form == "together"
        self._stores = templates.new(engine, folder, together=self._together)
        self._found = Findings()
        self._undone, self._again = set[str](), set[str]()
        self.happened: Counter[str] = Counter()
        self.notes: list[str] = []
        with ExitStack() as ending:
            self._brittle = BrittleRedis("none")
            ending.callback(self._brittle.close)
            env = {**self._stores.env, **self._brittle.env, "CARVEOUT_DIR": str(folder)}
            self._nursery = ending.enter_context(nursery(env))
            self._crew = Crew(self._nursery, folder, PACE_S, ROLES)
            self._crew.start()
            self._ending = ending.pop_all()

    def report(self, times: int) -> Findings:
        """Do it so often, and end everything. Returns: what was found."""
        try:
            for _ in range(times):
                self.restore()
            return self.finish()
        finally:
            self._ending.close()

    def restore(self) -> None:
        """Once: a backup, work, the restore, more work, and then a person comes."""
        self._work(*WAIT_S)
        backup = self._crew.meanwhile(lambda: Backup(self._stores, self._folder), COMMAND_S)
        self._work(*LOST_S)
        self._put_back(backup)
        self._work(*LATE_S)
        self._run("epoch", "ledger", "--yes")
        self._work(*WAIT_S)
        self._replay(backup.heads)
        self.happened[f"restore {self._form}"] += 1

    def finish(self) -> Findings:
        """No more is written. Wait until all has arrived, end everybody, and check."""
        self._crew.tend(at_once=True)
        self._crew.stop_writing()
        deadline = time.monotonic() + DRAIN_S
        truth = Truth(undone=frozenset(self._undone), again=frozenset(self._again))
        while (left := under_way(self._stores, truth)) and time.monotonic() < deadline:
            self._crew.tend()
            time.sleep(0.2)
        troubles = [f"{name}: {count}" for name, count in left.items()]
        troubles += [*self._crew.end(), *self._crew.died]
        self.notes += troubles
        self._found.stuck += len(troubles)
        check(self._stores, self._brittle, self._found, truth)
        return self._found

    def made(self) -> int:
        return int(self._stores.ledger("SELECT count(*) FROM ledger_entry")[0][0])

    def _work(self, least_s: float, most_s: float) -> None:
        """Let them work, and let one fault happen meanwhile."""
        happening = Faults(self._crew, self._brittle, self._rng, WEIGHTS)
        deadline = time.monotonic() + self._rng.uniform(least_s, most_s)
        happening.strike()
        self.happened += happening.happened
        while time.monotonic() < deadline:
            self._crew.tend()
            time.sleep(0.02)

    def _put_back(self, backup: "Backup") -> None:
        for writer in self._crew.of("writer"):
            writer.end()
        if not self._together:  # or what they had done goes back as well
            self._undone |= self._events()
            self._again |= backup.without_position
        self._crew.meanwhile(backup.put_back, COMMAND_S)
        self._undone -= self._events()

    def _events(self) -> set[str]:
        return {
            plain(event) for (event,) in self._stores.ledger("SELECT event_id FROM ledger_entry")
        }

    def _replay(self, heads: dict[int, int]) -> None:
        """Whoever stands on an event that the log lost goes back to where both were the same."""
        cursors = self._stores.audit(
            "SELECT subscription, partition, position, event_id FROM carveout_cursor"
        )
        # After the cursors: what they stand on is in the log by now, or never will be.
        log = self._stores.ledger("SELECT event_id, position FROM carveout_loggedevent")
        places = {plain(event): position for event, position in log}
        for subscription, partition, position, event in cursors:
            common = heads.get(partition, 0)
            if position > common and places.get(plain(event)) != position:
                where = ("--partition", str(partition), "--from", str(common + 1))
                self._run("replay", subscription, *where, "--yes")

    def _run(self, *command: str) -> None:
        """A person's command, from start to end. Meanwhile who is paused goes on in time: it may
        hold a row that the command needs."""
        log = self._folder / "person.log"
        child = self._nursery.start(*command, log=log)
        deadline = time.monotonic() + COMMAND_S
        while child.running and time.monotonic() < deadline:
            self._crew.tend()
            time.sleep(0.02)
        if child.running:
            child.show_stacks()
            raise AssertionError(f"{command} goes on and on\n{log.read_text()}")


class Backup:
    """The ledger's database as it was at one moment, taken while it is written."""

    def __init__(self, stores: Stores, folder: Path) -> None:
        self._url, self._folder = stores.urls["ledger"], folder
        if self._url.startswith("sqlite"):
            self._file = folder / "backup.sqlite3"
            self._copy(self._live, self._file)
            with closing(sqlite3.connect(self._file)) as connection:
                self._look(connection)
            return
        with psycopg.connect(self._url) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._tables = {name: _dumped(connection, name) for name in _tables(connection)}
            self._look(connection)

    def _look(self, connection: sqlite3.Connection | psycopg.Connection) -> None:
        self.heads: dict[int, int] = dict(connection.execute(HEADS).fetchall())
        rows = connection.execute(UNPLACED).fetchall()
        self.without_position = {plain(event) for (event,) in rows}

    def put_back(self) -> None:
        if self._url.startswith("sqlite"):
            self._copy(self._file, self._live)
            return
        restored = False
        while not restored:  # it locks many tables, and so may deadlock with who is at work
            with suppress(psycopg.errors.DeadlockDetected):
                self._put_rows_back()
                restored = True

    def _put_rows_back(self) -> None:
        with psycopg.connect(self._url) as connection:  # one transaction, and everybody waits
            names = sql.SQL(", ").join(map(sql.Identifier, self._tables))
            connection.execute(sql.SQL("TRUNCATE {}").format(names))
            for name, rows in self._tables.items():
                statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))
                with connection.cursor().copy(statement) as copy:
                    copy.write(rows)

    @property
    def _live(self) -> Path:
        return Path(self._url.removeprefix("sqlite:///"))

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        with (
            closing(sqlite3.connect(source, timeout=20)) as here,
            closing(sqlite3.connect(target, timeout=20)) as there,
        ):
            here.backup(there)


def _tables(connection: psycopg.Connection) -> list[str]:
    """All but those that nothing is written to while the project runs."""
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return sorted(name for (name,) in rows if not name.startswith("django_"))


def _dumped(connection: psycopg.Connection, table: str) -> bytes:
    statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
    with connection.cursor().copy(statement) as copy:
        return b"".join(map(bytes, copy))
