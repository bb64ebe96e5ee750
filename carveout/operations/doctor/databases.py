"""Checks the databases of the hosted contexts: reachable, migrated and durable."""

import time
from collections.abc import Iterator
from typing import Any

from django.db import Error, connections
from django.db.migrations.executor import MigrationExecutor

from carveout.operations.doctor.finding import Finding, compare_clocks, error, ok, warning

FULL = 2
"""SQLite's number for synchronous=FULL; EXTRA is higher."""


def check(database: str) -> Iterator[Finding]:
    connection, what = connections[database], f"Database {database}"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as away:
        why = " ".join(str(away).split())
        yield error(what, f"does not answer ({why})", "start it, or correct settings.DATABASES")
        return
    yield _migrated(what, database)
    if connection.vendor == "sqlite":
        yield from _sqlite(what, connection)
    elif connection.vendor == "postgresql":
        yield _clock(what, connection)
        yield from _schemas(what, connection)


def _migrated(what: str, database: str) -> Finding:
    executor = MigrationExecutor(connections[database])
    leaves = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == "carveout"]
    missing = [migration.name for migration, _ in executor.migration_plan(leaves)]
    if missing:
        found = f"lacks the kit's migrations {', '.join(missing)}"
        return error(what, found, f"run `manage.py migrate carveout --database {database}`")
    return ok(what, "answers, and has all of the kit's migrations")


def _sqlite(what: str, connection: Any) -> Iterator[Finding]:
    """Checks the modes of SQLite. Source: https://www.sqlite.org/pragma.html"""
    with connection.cursor() as cursor:
        journal = str(cursor.execute("PRAGMA journal_mode").fetchone()[0]).lower()
        synchronous = int(cursor.execute("PRAGMA synchronous").fetchone()[0])
    option = 'set OPTIONS = {"init_command": "PRAGMA %s;"}'
    if journal in ("off", "memory"):
        found = f"journal_mode is {journal}; a crash may leave a transaction half written"
        yield error(what, found, option % "journal_mode=WAL")
    elif journal != "wal":
        found = f"journal_mode is {journal}; readers block writers"
        yield warning(what, found, option % "journal_mode=WAL")
    if synchronous < FULL:
        yield warning(
            what,
            "synchronous is less than FULL; after a power cut a committed change may be lost"
            " although its event was delivered",
            option % "synchronous=FULL",
        )
    elif journal == "wal":
        yield ok(what, "SQLite in WAL mode, and a commit waits for the disk")


def _schemas(what: str, connection: Any) -> Iterator[Finding]:
    """Finds logs in schemas that the relay does not read, such as one for each tenant."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT space.nspname, pg_table_is_visible(class.oid)
            FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = class.relnamespace
            WHERE class.relname = 'carveout_loggedevent' AND class.relkind IN ('r', 'p')
            ORDER BY space.nspname
            """
        )
        schemas: dict[str, bool] = dict(cursor.fetchall())
    unseen = [name for name, visible in schemas.items() if not visible]
    if unseen:
        yield warning(
            what,
            f"also has a log in the schemas {', '.join(unseen)}; a relay with this search_path"
            " does not ship its events",
            "keep the kit's tables in one schema that is always in search_path; see"
            " docs/reference/supported.md",
        )


def _clock(what: str, connection: Any) -> Finding:
    asked_at_s = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())")
        return compare_clocks(what, float(cursor.fetchone()[0]), asked_at_s)
