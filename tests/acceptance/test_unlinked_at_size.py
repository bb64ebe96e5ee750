# ruff: noqa: S608 - the names in its SQL are its own
"""A key of a large table becomes an id while others write; then deletions follow, under kills.

`make unlinked` does it with a million rows and 20,000 changes; `UNLINKED_ROWS` and
`UNLINKED_CHANGES` choose other numbers.
"""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.eventually import eventually
from tests.integration.test_unlinked_shapes import HEAD, Project, app, row
from tests.integration.test_unlinked_shapes import SETTINGS as OF_SHAPES
from tests.integration.test_unlinking import url_of
from tests.processes import Process

ROWS = int(os.environ.get("UNLINKED_ROWS", "20000"))
CHANGES = int(os.environ.get("UNLINKED_CHANGES", "600"))
SEED = int(os.environ.get("UNLINKED_SEED", "1"))
PACE_S = 0.02
WRITERS = {"postgresql": 8, "sqlite": 2}
GOODS = (
    "from django.db import models\n\n\nclass Item(models.Model):\n    name = models.TextField()\n"
)
ROW = 'item = models.ForeignKey("goods.Item", models.{}{})\nname = models.TextField(unique=True)'
TABLES = ("cascade_row", "nullable_row")
CONTROL = """
CREATE TABLE control_item (id integer PRIMARY KEY);
CREATE TABLE control_cascade_row (
    name text PRIMARY KEY, item_id integer NOT NULL REFERENCES control_item ON DELETE CASCADE
);
CREATE TABLE control_nullable_row (
    name text PRIMARY KEY, item_id integer REFERENCES control_item ON DELETE SET NULL
);
CREATE INDEX control_cascade ON control_cascade_row (item_id);
CREATE INDEX control_nullable ON control_nullable_row (item_id);
"""
"""The same tables with keys that the database itself follows."""
NUMBERS = {
    "postgresql": "generate_series(1, {}) AS each(number)",
    "sqlite": "(WITH RECURSIVE each(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM each"
    " WHERE number < {}) SELECT number FROM each)",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + ROWS // 200 + CHANGES // 10)]


class Database:
    """Plain connections, as another program has them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.vendor = "sqlite" if url.startswith("sqlite") else "postgresql"

    @contextmanager
    def connected(self) -> Iterator[Callable[..., list[Any]]]:
        """Gives: what runs a statement. Each is a transaction."""
        if self.vendor == "sqlite":
            lite = sqlite3.connect(self.url[10:], timeout=60, isolation_level=None)
            lite.execute("PRAGMA foreign_keys = ON")
            lite.execute("PRAGMA synchronous = OFF")
            try:
                yield lambda sql, *given: lite.execute(sql, given).fetchall()
            finally:
                lite.close()
            return
        with psycopg.connect(self.url, autocommit=True) as connection:

            def run(sql: str, *given: Any) -> list[Any]:
                cursor = connection.execute(sql.replace("?", "%s") if given else sql, given or None)
                return cursor.fetchall() if cursor.description else []

            yield run

    def run(self, *statements: str) -> list[Any]:
        """Returns: what the last one gave."""
        found = list[Any]()
        with self.connected() as run:
            for each in statements:
                found = run(each)
        return found

    def fill(self) -> None:
        items, numbers = ROWS // 10, NUMBERS[self.vendor]
        self.run(
            *filter(str.strip, CONTROL.split(";")),
            f"INSERT INTO goods_item (id, name) SELECT number, 'x' FROM {numbers.format(items)}",
            "INSERT INTO control_item SELECT id FROM goods_item",
            f"INSERT INTO cascade_row (item_id, name) SELECT number % {items} + 1, 'old ' || number"
            f" FROM {numbers.format(ROWS)}",
            f"INSERT INTO nullable_row (item_id, name) SELECT number, 'old ' || number"
            f" FROM {numbers.format(items)}",
            *(f"INSERT INTO control_{each} SELECT name, item_id FROM {each}" for each in TABLES),
        )

    def rows(self, table: str) -> list[Any]:
        return sorted(self.run(f"SELECT name, item_id FROM {table}"))


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with url_of(request, tmp_path) as url:
        yield url


@pytest.fixture
def project(tmp_path: Path, database_url: str, redis_url: str) -> Project:
    folder = tmp_path / "project"
    app(folder, "goods", GOODS)
    head = HEAD.replace("Coded, Item, Numbered, Unique", "Item")
    app(folder, "cascade", head + row(ROW.format("CASCADE", "")))
    app(folder, "nullable", head + row(ROW.format("SET_NULL", ", null=True")))
    settings = OF_SHAPES.format(apps="'cascade', 'nullable'")
    settings = settings.replace('AUTH_USER_MODEL = "goods.Person"\n', "")
    (folder / "settings.py").write_text(settings + WAL)
    (folder / "urls.py").write_text("urlpatterns = []\n")
    (folder / "manage.py").write_text(MANAGE)
    env = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "settings",
    }
    return Project(folder, env)


WAL = """
if "sqlite" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 60, "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF",
    }
"""
MANAGE = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
BOTH = ("cascade.Row.item", "nullable.Row.item")
STEP = [f"unlink {each} --write" for each in BOTH]


def unlink_up_to_step_three(project: Project) -> None:
    project.run(f"unlink {BOTH[0]} --write")
    project.run("announce goods --write")
    project.run("migrate -v 0", *STEP)
    *_, first, second = project.run("relay --once", "consume cascade nullable --once", *STEP)
    assert "Step 3 of 3" in first and "Step 3 of 3" in second


def test_nothing_is_lost_and_nobody_waits_long(project):
    database = Database(project.env["DATABASE_URL"])
    project.run("makemigrations -v 0 goods cascade nullable", "migrate -v 0")
    database.fill()
    unlink_up_to_step_three(project)
    before = {table: database.rows(table) for table in TABLES}
    with writing(database) as slowest, watching(database) as (held, looks):
        began = time.monotonic()
        assert project.run("migrate -v 0", "makemigrations --check") == ["", NOTHING]
        took = time.monotonic() - began
    print(  # noqa: T201
        f"\n{database.vendor}: {ROWS:,} rows, migrated in {took:.1f} s; longest exclusive lock"
        f" {max(held, default=0) * 1000:.0f} ms in {len(looks):,} looks, slowest of"
        f" {len(slowest):,} writes {max(slowest):.2f} s"
    )
    assert {table: untouched(database, table) for table in TABLES} == before

    changes = Changes(database, project)
    changes.make()
    project.run("relay --once", "consume cascade nullable --once")
    for label in BOTH:
        project.run(f"unlink --sweep {label}_id --wait 0")
    for table in TABLES:
        assert database.rows(table) == database.rows(f"control_{table}"), table
    print(f"{changes}")  # noqa: T201

    rows = {table: database.rows(table) for table in TABLES}
    for name in ("cascade", "nullable"):
        project.run(f"migrate -v 0 {name} {project.migration_before_last(name)}")
    with pytest.raises((psycopg.IntegrityError, sqlite3.IntegrityError)):
        database.run("INSERT INTO cascade_row (name, item_id) VALUES ('nowhere', -1)")
    project.run("migrate -v 0")
    assert {table: database.rows(table) for table in TABLES} == rows


NOTHING = "No changes detected\n"


def untouched(database: Database, table: str) -> list[Any]:
    return [each for each in database.rows(table) if not each[0].startswith("while ")]


@contextmanager
def writing(database: Database) -> Iterator[list[float]]:
    """Others write the table meanwhile. Gives: how many seconds each write took."""
    ended, took = threading.Event(), [0.0]

    def write(number: int) -> None:
        with database.connected() as run:
            for count in range(10**9):
                if ended.is_set():
                    return
                began = time.monotonic()
                run(
                    "INSERT INTO cascade_row (name, item_id) VALUES (?, 1)",
                    f"while {number} {count}",
                )
                took.append(time.monotonic() - began)
                time.sleep(0.01)

    threads = [
        threading.Thread(target=write, args=[each]) for each in range(WRITERS[database.vendor])
    ]
    for each in threads:
        each.start()
    try:
        yield took
    finally:
        ended.set()
        for each in threads:
            each.join()
    database.run("DELETE FROM control_cascade_row WHERE name LIKE 'while %'")
    with database.connected() as run:
        run(
            "INSERT INTO control_cascade_row SELECT name, item_id FROM cascade_row"
            " WHERE name LIKE 'while %'"
        )


@contextmanager
def watching(database: Database) -> Iterator[tuple[list[float], list[float]]]:
    """Gives: how many seconds an exclusive lock of the table was held, each time; and each look."""
    ended, held, looks = threading.Event(), list[float](), list[float]()

    def watch() -> None:
        since = 0.0
        with database.connected() as run:
            while not ended.is_set():
                now = time.monotonic()
                looks.append(now)
                locked = run(
                    "SELECT 1 FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock'"
                    " AND relation IN ('cascade_row'::regclass, 'goods_item'::regclass)"
                )
                if locked and not since:
                    since = now
                elif since and not locked:
                    held.append(time.monotonic() - since)
                    since = 0.0
                time.sleep(0.001)

    if database.vendor == "sqlite":
        yield held, looks
        return
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield held, looks
    finally:
        ended.set()
        thread.join()


class Changes:
    """Deletions of items and rows, and new rows, also of items that are gone; and kills."""

    def __init__(self, database: Database, project: Project) -> None:
        self.database, self.project = database, project
        self.done = {"items deleted": 0, "rows added": 0, "rows deleted": 0, "rows too late": 0}
        self.kills = 0

    def __str__(self) -> str:
        return ", ".join(f"{count:,} {what}" for what, count in self.done.items()) + (
            f"; {self.kills} kills"
        )

    def make(self) -> None:
        log = self.project.folder / "workers.log"
        workers = [
            Process(arguments[0], arguments, self.project.folder, environment(self.project), log)
            for arguments in (("relay",), ("consume", "cascade", "nullable"))
        ]
        for each in workers:
            each.start()
        writers = WRITERS[self.database.vendor] // 2
        threads = [
            threading.Thread(target=self._write, args=[number, writers])
            for number in range(writers)
        ]
        for each in threads:
            each.start()
        rng = random.Random(SEED)
        while any(each.is_alive() for each in threads):
            time.sleep(rng.uniform(0.5, 2.0))
            victim = rng.choice(workers)
            victim.kill()
            self.kills += 1
            victim.start()
        for each in threads:
            each.join()
        eventually(self._is_handled)
        for each in workers:
            each.kill()

    def _is_handled(self) -> bool:
        behind = (
            "SELECT count(*) FROM carveout_loggedevent WHERE position IS NULL OR position >"
            " (SELECT min(position) FROM carveout_cursor)"
        )
        return self.database.run(behind)[0][0] == 0

    def _write(self, number: int, writers: int) -> None:
        """Each writer has items of its own, so that both databases see one order."""
        rng = random.Random(SEED * 100 + number)
        items = list(range(1 + number, ROWS // 10 + 1, writers))
        gone, added = list[int](), list[str]()
        with self.database.connected() as run:
            for count in range(CHANGES // writers):
                table, name = rng.choice(TABLES), f"new {number} {count}"
                dice = rng.random()
                if dice < 0.4 and len(items) > 1:
                    gone.append(items.pop(rng.randrange(len(items))))
                    run("DELETE FROM goods_item WHERE id = ?", gone[-1])
                    run("DELETE FROM control_item WHERE id = ?", gone[-1])
                    what = "items deleted"
                elif dice < 0.7:
                    self._both(
                        run,
                        table,
                        "INSERT INTO {} (name, item_id) VALUES (?, ?)",
                        name,
                        rng.choice(items),
                    )
                    added.append(f"{table} {name}")
                    what = "rows added"
                elif dice < 0.85 and added:
                    table, _, name = added.pop(rng.randrange(len(added))).partition(" ")
                    self._both(run, table, "DELETE FROM {} WHERE name = ?", name)
                    what = "rows deleted"
                elif gone:
                    item = rng.choice(gone)  # a process that did not know yet
                    insert = "INSERT INTO {} (name, item_id) VALUES (?, ?)"
                    run(insert.format("cascade_row"), name, item)
                    with suppress(psycopg.IntegrityError, sqlite3.IntegrityError):
                        run(insert.format("control_cascade_row"), name, item)
                        raise AssertionError("the control let it in")
                    what = "rows too late"
                else:
                    continue
                self.done[what] += 1
                time.sleep(PACE_S)

    def _both(self, run: Callable[..., Any], table: str, sql: str, *given: Any) -> None:
        run(sql.format(table), *given)
        run(sql.format(f"control_{table}"), *given)


def environment(project: Project) -> dict[str, str]:
    from tests.copies import ROOT
    from tests.integration.test_tangled import without_ours

    return without_ours() | {"PYTHONPATH": str(ROOT)} | project.env
