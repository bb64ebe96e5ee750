"""The two databases of a run, and what the checker asks them."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.nursery import Nursery
from tests.servers import PostgresForTests

CONTEXTS = ("ledger", "audit")
Rows = list[tuple[Any, ...]]


class Stores:
    """The URLs of the ledger's and the audit's database."""

    def __init__(self, ledger: str, audit: str) -> None:
        self.urls = {"ledger": ledger, "audit": audit}

    @property
    def env(self) -> dict[str, str]:
        return {"DATABASE_URL": self.urls["ledger"], "DATABASE_URL_AUDIT": self.urls["audit"]}

    def ledger(self, query: str) -> Rows:
        return _rows(self.urls["ledger"], query)

    def audit(self, query: str) -> Rows:
        return _rows(self.urls["audit"], query)

    def change(self, context: str, statement: str) -> None:
        with _connected(self.urls[context]) as connection:
            connection.execute(statement)
            connection.commit()


class Templates:
    """Databases with tables, made once and copied for each run."""

    def __init__(self, folder: Path, postgres: Callable[[], PostgresForTests]) -> None:
        self._folder = folder
        self._postgres = cache(postgres)
        self._made: dict[str, list[str]] = {}

    def new(self, engine: str, to: Path) -> Stores:
        """Fresh databases. `engine` is "sqlite" or "postgres"; SQLite files go into `to`."""
        to.mkdir(exist_ok=True)
        if engine not in self._made:
            self._made[engine] = self._make(engine)
        if engine == "postgres":
            server = self._postgres()
            return Stores(*(server.url(server.create(name)) for name in self._made[engine]))
        files = [to / f"{context}.sqlite3" for context in CONTEXTS]
        for template, file in zip(self._made[engine], files, strict=True):
            shutil.copy(template, file)
        return Stores(*(f"sqlite:///{file}" for file in files))

    def _make(self, engine: str) -> list[str]:
        if engine == "postgres":
            server = self._postgres()
            names = [server.create() for _ in CONTEXTS]
            urls = [server.url(name) for name in names]
        else:
            names = [str(self._folder / f"{context}.sqlite3") for context in CONTEXTS]
            urls = [f"sqlite:///{name}" for name in names]
        env = {
            **Stores(*urls).env,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "CARVEOUT_DIR": str(self._folder),
        }
        log = self._folder / "migrate.log"
        with Nursery(env) as nursery:
            for alias in ("default", "audit"):
                nursery.run("migrate", f"--database={alias}", "--run-syncdb", log=log)
        return names


def _rows(url: str, query: str) -> Rows:
    with _connected(url) as connection:
        return connection.execute(query).fetchall()


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as connection:
            yield connection
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection
