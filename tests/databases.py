"""Databases for real processes: migrated and seeded once a session, then copied for each test."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from tests import processes
from tests.nursery import Nursery
from tests.servers import PostgresForTests

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "DJANGO_SETTINGS_MODULE": "shop.settings",
    "SECRET_KEY": "for tests only: the deployments of one system share it",
    "PYTHONUNBUFFERED": "1",
    "THROTTLE_USER": "",
    "THROTTLE_ANON": "",
    "THROTTLE_SIGN_IN": "",
}
"""What every process of a system under test gets."""


class Databases:
    """Makes databases by copying templates. `engine` is "sqlite" or "postgres"."""

    def __init__(self, folder: Path, postgres: Callable[[], PostgresForTests]) -> None:
        self.folder = folder
        self.postgres = postgres
        self._templates: dict[str, str] = {}

    def new(self, engine: str, project: Path, env: Mapping[str, str], to: Path) -> str:
        """A migrated and seeded database for the contexts of `env`. Returns: its URL.

        to: the folder where an SQLite file goes.
        """
        key = f"{engine}-{env['CONTEXTS']}"
        if key not in self._templates:
            self._templates[key] = self._template(key, project, env)
        if engine == "postgres":
            return self.postgres().url(self.postgres().create(self._templates[key]))
        shutil.copy(self._templates[key], to / "db.sqlite3")
        return f"sqlite:///{to}/db.sqlite3"

    def _template(self, key: str, project: Path, env: Mapping[str, str]) -> str:
        if key.startswith("postgres"):
            template = self.postgres().create()
            url = self.postgres().url(template)
        else:
            template = str(self.folder / f"{key}.sqlite3")
            url = f"sqlite:///{template}"
        own = {"CARVEOUT_DIR": str(self.folder / key), "DATABASE_URL": url}
        env = {**ENVIRONMENT, **env, **own}
        with Nursery(project, env) as nursery:
            run = partial(processes.run, folder=project, env=env, nursery=nursery)
            run("migrate", "--no-input", "--verbosity", "0")
            if "shop" in env["CONTEXTS"]:
                run("seed")
        return template


def rows(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a query finds in a database, whichever engine; placeholders are `%s`."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as connection:
            return connection.execute(statement.replace("%s", "?"), values).fetchall()
    with psycopg.connect(url) as connection:
        return connection.execute(statement, values).fetchall()  # type: ignore[arg-type]
