"""The two databases of a run, and what the checker asks them."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.launch import nursery
from tests.chaos.pooler import Pooler
from tests.servers import PostgresForTests

CONTEXTS = ("ledger", "audit")
CRASHED_S = 120.0
"""A server that was made to crash answers again after less."""
Rows = list[tuple[Any, ...]]


class Stores:
    """The URLs of the ledger's and the audit's database. They may be one and the same.

    pooler: what processes reach them through; the checker looks past it.
    """

    def __init__(self, ledger: str, audit: str, pooler: Pooler | None = None) -> None:
        self.urls = {"ledger": ledger, "audit": audit}
        self._pooler = pooler

    @property
    def env(self) -> dict[str, str]:
        urls = self.urls.values()
        if self._pooler:
            urls = [self._pooler.url(url.rsplit("/", 1)[1]) for url in urls]
        return dict(zip(("DATABASE_URL", "DATABASE_URL_AUDIT"), urls, strict=True))

    def faults(self) -> dict[str, Callable[[], None]]:
        """What may happen to them, by name."""
        return self._pooler.faults() if self._pooler else {}

    def close(self) -> None:
        if self._pooler:
            self._pooler.close()

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
        self._made: dict[tuple[str, bool], list[str]] = {}

    def new(self, engine: str, to: Path, *, pooled: bool = False, together: bool = False) -> Stores:
        """Fresh databases. `engine` is "sqlite" or "postgres"; SQLite files go into `to`.

        pooled: a PgBouncer of their own is before them. together: both contexts share one.
        """
        to.mkdir(exist_ok=True)
        kind = (engine, together)
        if kind not in self._made:
            self._made[kind] = self._make(engine, together)
        if engine == "postgres":
            server = self._postgres()
            urls = [server.url(server.create(name)) for name in self._made[kind]]
        else:
            files = [to / f"{context}.sqlite3" for context in CONTEXTS[: len(self._made[kind])]]
            for template, file in zip(self._made[kind], files, strict=True):
                shutil.copy(template, file)
            urls = [f"sqlite:///{file}" for file in files]
        return Stores(urls[0], urls[-1], Pooler(self._postgres()) if pooled else None)

    def _make(self, engine: str, together: bool) -> list[str]:
        contexts = CONTEXTS[:1] if together else CONTEXTS
        if engine == "postgres":
            server = self._postgres()
            names = [server.create() for _ in contexts]
            urls = [server.url(name) for name in names]
        else:
            files = (f"{context}-{together}.sqlite3" for context in contexts)
            names = [str(self._folder / file) for file in files]
            urls = [f"sqlite:///{name}" for name in names]
        env = {
            **Stores(urls[0], urls[-1]).env,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "CARVEOUT_DIR": str(self._folder),
            "KINDS": "copies",
        }
        log = self._folder / "migrate.log"
        with nursery(env) as forking:
            for alias in ("default", "audit")[: len(urls)]:
                forking.run("migrate", f"--database={alias}", "--run-syncdb", log=log)
            forking.run("install_triggers", log=log)
        return names


def _rows(url: str, query: str) -> Rows:
    deadline = time.monotonic() + CRASHED_S
    while True:
        try:
            with _connected(url) as connection:
                return connection.execute(query).fetchall()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as connection:
            yield connection
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection
