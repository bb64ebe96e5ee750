"""What a Django process adds when it writes to an announced table.

It wakes the relay after the commit, and it tells the triggers which request or event the write
follows from. Neither costs a statement: PostgreSQL's triggers read a comment at the start of the
statement that fired them, and on SQLite a temporary trigger of the connection calls Python.
"""

import re
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db.backends.signals import connection_created

from carveout.eventlog.publish import wake_after_commit
from carveout.eventlog.triggers import in_process
from carveout.eventlog.triggers.announcement import registry
from carveout.events.event import current_event
from carveout.telemetry import correlation, spans

_WRITES = re.compile(r"\s*(?:insert|update|delete|merge|replace|truncate|copy|with)\b", re.I)
_SAFE = re.compile(r"[A-Za-z0-9_.:-]{0,64}")
"""What may stand in a comment, and fits its column."""
_NONE = ("", "", "")
_ORIGIN = "_carveout_origin"
"""Set on a connection to SQLite: the origin of the statement that is executed."""
_FOLLOWS = """
    CREATE TEMP TRIGGER carveout_origin AFTER INSERT ON main.carveout_loggedevent
    WHEN carveout_follows() AND NEW.correlation_id = ''
    BEGIN
        UPDATE carveout_loggedevent SET correlation_id = carveout_origin(0),
            causation_id = carveout_origin(1), traceparent = carveout_origin(2) WHERE id = NEW.id;
    END
"""


def watch(connection: Any, **_: object) -> None:
    """Watch the writes of a new connection to a database with announced tables."""
    if not any(each.database == connection.alias for each in registry.values()):
        return
    if _around_write not in connection.execute_wrappers:
        connection.execute_wrappers.append(_around_write)
    if connection.vendor == "sqlite":
        _follow_in_sqlite(connection)


connection_created.connect(watch, dispatch_uid="carveout_announced_tables")


def _around_write(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    if not isinstance(sql, str) or not _WRITES.match(sql):
        return execute(sql, params, many, context)
    connection, origin = context["connection"], _origin()
    if origin is _NONE:
        result = execute(sql, params, many, context)
    elif connection.vendor == "postgresql":
        result = execute(f"/*carveout {' '.join(origin)}*/ {sql}", params, many, context)
    else:
        connection.__dict__[_ORIGIN] = origin
        try:
            result = execute(sql, params, many, context)
        finally:
            connection.__dict__[_ORIGIN] = _NONE
    owners = _contexts_of(sql, connection.alias)
    if owners and in_process.is_due_at_once(connection):
        in_process.deliver(connection, sql)
        return result
    for owner in owners:
        wake_after_commit(connection.alias, owner)
    return result


def _contexts_of(sql: str, database: str) -> set[str]:
    """The contexts of the announced tables that a statement names."""
    return {
        each.context
        for each in registry.values()
        if each.table in sql and each.database == database
    }


def _origin() -> tuple[str, str, str]:
    """Correlation, cause and place in a trace of the request or the event that is handled."""
    belongs_to, handled = correlation.current(), current_event.get()
    each = (
        belongs_to.id if belongs_to else "",
        str(handled.id) if handled else "",
        spans.traceparent() or (belongs_to.traceparent if belongs_to else ""),
    )
    return each if any(each) and all(map(_SAFE.fullmatch, each)) else _NONE


def _follow_in_sqlite(connection: Any) -> None:
    """Let the log's rows get the origin of the statement that is executed."""
    now, raw = connection.__dict__, connection.connection
    now[_ORIGIN] = _NONE
    raw.create_function("carveout_follows", 0, lambda: now[_ORIGIN] is not _NONE)
    raw.create_function("carveout_origin", 1, lambda part: now[_ORIGIN][part])
    with suppress(sqlite3.OperationalError):  # the log is not made yet: this process migrates
        raw.execute(_FOLLOWS)
