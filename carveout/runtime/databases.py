"""Interprets the errors of databases and drivers, and drops unusable connections."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.db import Error, connections

from carveout.runtime.storable_text import said_by

_ACTIVE, _OPEN = 1, {2, 3}
"""Transaction statuses of PostgreSQL's library: a query is running; open; failed.
Source: https://www.postgresql.org/docs/current/libpq-status.html#LIBPQ-PQTRANSACTIONSTATUS
"""


CAUSES_MAX = 10
_MISSING_TABLE_STATE, _MISSING_TABLE_IN_SQLITE = "42P01", "no such table: carveout_"


def in_block_of_code(connection: Any) -> bool:
    """Whether one of the code's own transactions is open. Those that a TestCase opens around it do
    not count: production has none.
    """
    blocks = connection.atomic_blocks
    of_tests = blocks and all(getattr(block, "_from_testcase", False) for block in blocks)
    return connection.in_atomic_block and not of_tests


def drop_unusable() -> None:
    """Close each connection of this thread that is half open, busy or gone; the next is new."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is None or connection.in_atomic_block:
            continue
        expected = connection.settings_dict["AUTOCOMMIT"]
        if connection.autocommit != expected or not connection.is_usable():
            drop(connection)


def drop_all() -> None:
    """Close each connection of this thread that is not in a transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            drop(connection)


def drop(connection: Any) -> None:
    """Close a connection, whatever its state."""
    _cancel(connection)
    with suppress(Exception):
        connection.close()


def cancel_running() -> None:
    """Cancel each query that an exception left running, to release its transaction's locks.

    The server would continue it even after its connection is closed.
    """
    for connection in connections.all(initialized_only=True):
        _cancel(connection)


def _cancel(connection: Any) -> None:
    if _status(connection) == _ACTIVE:
        raw = connection.connection
        with suppress(Exception):
            getattr(raw, "cancel_safe", raw.cancel)()  # the first name is psycopg 3's


def in_transaction(connection: Any) -> bool:
    """Whether the driver has an open transaction, whatever Django assumes. Sends no query."""
    if connection.vendor == "sqlite":
        return bool(connection.connection.in_transaction)
    return _status(connection) in _OPEN


def _status(connection: Any) -> int | None:
    """The status of a PostgreSQL connection; None if it has none, or for other databases."""
    if connection.vendor != "postgresql" or connection.connection is None:
        return None
    return int(connection.connection.info.transaction_status)


def is_from_database(error: BaseException) -> bool:
    """Whether a database or its driver raised the error or one of its causes."""
    return any(isinstance(each, Error) for each in _chain(error))


def states(error: BaseException) -> list[str]:
    """The SQLSTATEs of an error and its causes."""
    given = (getattr(at, "sqlstate", None) or getattr(at, "pgcode", None) for at in _chain(error))
    return [state for state in given if state]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes."""
    at: BaseException | None = error
    for _ in range(CAUSES_MAX):
        if at is not None:
            yield at
            at = at.__cause__


def table_is_missing(error: BaseException) -> bool:
    """Whether a Carveout table is missing, because `migrate` was not run."""
    said = said_by(error)
    return _MISSING_TABLE_IN_SQLITE in said or (
        _MISSING_TABLE_STATE in states(error) and "carveout_" in said
    )
