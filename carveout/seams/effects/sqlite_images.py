"""Recording on SQLite: temporary triggers of the connection, and a function that has the token.

They are made at the first recording of a connection and kept for the next. No other connection
sees them. Source: https://www.sqlite.org/lang_createtrigger.html (TEMP triggers)
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connections
from django.db.models.signals import pre_migrate

from carveout.eventlog.triggers.columns import quoted
from carveout.models import LoggedEvent

_MADE, _TOKEN = "_carveout_triggers_made", "_carveout_token"
"""Set on a connection: for which schema it has triggers; what is recorded now."""
_OURS = "FROM sqlite_temp_master WHERE type = 'trigger' AND name GLOB 'carveout_row_*'"
_STATE = f"SELECT schema_version, (SELECT count(*) {_OURS}) FROM pragma_schema_version"  # noqa: S608
_TABLES = """
    SELECT name, sql LIKE 'CREATE VIRTUAL%' FROM main.sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite^_%' ESCAPE '^' ORDER BY name
"""
_COLUMNS = "SELECT name, pk, hidden FROM pragma_table_xinfo(%s, 'main') ORDER BY cid"
_TRIGGER = """
    CREATE TEMP TRIGGER {name} AFTER {what} ON main.{table} WHEN carveout_token() IS NOT NULL
    BEGIN
        INSERT INTO carveout_recordedrow (token, table_name, before, after)
        VALUES (carveout_token(), {table_name}, {before}, {after});
    END
"""
# JSON has no bytes. SQLite's own text of a number with a fraction is not always exact.
_VALUE = """CASE typeof({x}) WHEN 'real' THEN carveout_real({x})
    WHEN 'blob' THEN '{{"blob":"' || hex({x}) || '"}}' ELSE json_quote({x}) END"""
_CHUNK = 100
"""Columns joined in a row: SQLite limits how deep an expression may be."""
_SHADOWS = (
    *("_config", "_content", "_data", "_docsize", "_idx", "_segdir", "_segments", "_stat"),  # FTS
    *("_node", "_parent", "_rowid"),  # R*Tree
)
"""How tables end in which a virtual table keeps its rows: with triggers on them, SQLite crashes."""
_REPLACES = re.compile(r"\b(?:or\s+replace|replace\s+into)\b", re.I)


class SqliteTable(NamedTuple):
    """A table and its columns. The names are not quoted."""

    name: str
    columns: Sequence[str]
    key: Sequence[str]
    """The columns of the primary key."""
    computed: Sequence[str]
    """The columns that nobody can write."""

    def image(self, row: str = "") -> str:
        """A row as JSON, as an SQL expression. row: `OLD.`, `NEW.` or nothing."""
        parts = [
            quoted(("," if number else "") + json.dumps(name, ensure_ascii=False) + ":")
            + f" || {_VALUE.format(x=row + identifier(name))}"
            for number, name in enumerate(self.columns)
        ]
        chunks = (parts[at : at + _CHUNK] for at in range(0, len(parts), _CHUNK))
        return f"'{{' || {' || '.join('(' + ' || '.join(each) + ')' for each in chunks)} || '}}'"


@contextmanager
def recording(connection: Any, token: str, problems: list[str]) -> Iterator[None]:
    """See `row_images.recording`. Nothing is found that could not be stored."""
    _prepare(connection)
    connection.__dict__[_TOKEN] = token
    try:
        with connection.execute_wrapper(_around):
            yield
    finally:
        connection.__dict__[_TOKEN] = None


def table(connection: Any, name: str) -> SqliteTable:
    """A table as it is now; one without columns does not exist."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [name])
        rows = cursor.fetchall()
    keys = sorted((pk, column) for column, pk, _ in rows if pk)
    return SqliteTable(
        name,
        [column for column, _, _ in rows],
        [column for _, column in keys],
        [column for column, _, hidden in rows if hidden],
    )


def identifier(name: str) -> str:
    """A quoted name, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _around(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Execute a statement so that it is recorded.

    What REPLACE deletes fires triggers only if triggers may be recursive. Only then: a table's own
    trigger that updates the table would never end.
    Source: https://www.sqlite.org/lang_conflict.html
    """
    connection = context["connection"]
    if connection.__dict__.get(_MADE, [None])[0] is not connection.connection:
        _prepare(connection)  # the code closed the connection, and this is another
    if not _REPLACES.search(sql):
        return execute(sql, params, many, context)
    raw = connection.connection
    (before,) = raw.execute("PRAGMA recursive_triggers").fetchone()
    raw.execute("PRAGMA recursive_triggers = ON")
    try:
        return execute(sql, params, many, context)
    finally:
        raw.execute(f"PRAGMA recursive_triggers = {before}")


def _prepare(connection: Any) -> None:
    """Make the triggers, unless the connection has those of the present schema."""
    now, raw = connection.__dict__, connection.connection
    before = now.get(_MADE)
    now[_MADE] = (raw,)  # these statements need no recording
    if before == (raw, *_state(connection)):
        now[_MADE] = before
        return
    raw.create_function("carveout_token", 0, lambda: now.get(_TOKEN))
    raw.create_function("carveout_real", 1, _real)
    drop(connection)
    for number, name in enumerate(_tables(connection)):
        _create(connection, number, table(connection, name))
    now[_MADE] = (raw, *_state(connection))


def _state(connection: Any) -> tuple[int, int]:
    """The version of the schema and the number of our triggers.

    A rollback takes the triggers away if it was in their transaction that they were made.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STATE)
        version, count = cursor.fetchone()
    return version, count


def drop(connection: Any) -> None:
    """Drop the triggers of this connection."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name {_OURS}")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER temp.{name}")


def _tables(connection: Any) -> Iterator[str]:
    """The tables that are recorded. A virtual table and those that it keeps its rows in are not."""
    ours = {each._meta.db_table for each in apps.get_app_config("carveout").get_models()}
    left_out = ours - {LoggedEvent._meta.db_table} | {"django_migrations"}
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        rows = cursor.fetchall()
    virtual = [name for name, is_virtual in rows if is_virtual]
    left_out |= {name + end for name in virtual for end in ("", *_SHADOWS)}
    yield from (name for name, _ in rows if name not in left_out)


def _create(connection: Any, number: int, of: SqliteTable) -> None:
    old, new = of.image("OLD."), of.image("NEW.")
    images = {"INSERT": ("NULL", new), "UPDATE": (old, new), "DELETE": (old, "NULL")}
    with connection.cursor() as cursor:
        for what, (before, after) in images.items():
            name = f"carveout_row_{number}_{what.lower()}"
            values = {"table": identifier(of.name), "table_name": quoted(of.name)}
            cursor.execute(
                _TRIGGER.format(name=name, what=what, before=before, after=after, **values)
            )


def _real(number: float) -> str:
    """A number with a fraction as JSON; one that is infinite as one that is read as infinite."""
    return repr(number).replace("inf", "9e999")


def _before_migrate(using: str, **_: object) -> None:
    """Drop the triggers: SQLite refuses to drop a column that one of them names."""
    connection = connections[using]
    if connection.vendor == "sqlite" and connection.__dict__.pop(_MADE, None):
        drop(connection)


pre_migrate.connect(_before_migrate, dispatch_uid="carveout_row_images")
