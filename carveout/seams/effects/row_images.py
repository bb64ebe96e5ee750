"""Records how rows change while code runs: what each was before, and what it is after.

PostgreSQL has triggers on all tables, made once by `install`; they do nothing unless a recording
is on. SQLite gets temporary triggers on the connection that records.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
from django.db import connections

from carveout.errors import CarveoutError
from carveout.models import RecordedRow
from carveout.seams.effects import postgresql_images, postgresql_triggers, sqlite_images
from carveout.seams.effects.effects import RowImage, Values

_BY_VENDOR: Mapping[str, ModuleType] = {"postgresql": postgresql_images, "sqlite": sqlite_images}
_encoder = msgspec.json.Encoder(decimal_format="number")
_RECORDS = "_carveout_records"
"""Set on a connection while a recording is on."""


class AlreadyRecording(CarveoutError):
    """A recording was begun inside another one on the same database. End the first one before."""


class RecordedValues(dict[str, Any]):
    """The columns of a row, and the text in which the database wrote them.

    The text is exact where a value is not: it keeps the spaces of a `json` column.
    """

    def __init__(self, text: str) -> None:
        super().__init__(json.loads(text, parse_float=Decimal))
        self.text = text


def text_of(row: Values) -> str:
    """The text of a row, exact if it was read from a recording."""
    return row.text if isinstance(row, RecordedValues) else _encoder.encode(row).decode()


class RecordedRows(NamedTuple):
    """What a recording has."""

    rows: list[RowImage]
    """In the order in which they happened."""
    problems: list[str]
    """Why it is not complete, as sentences. It can't be undone or compared then."""


def install(database: str) -> list[str]:
    """Make the triggers on all tables that have none. Call it again when there are new tables.

    Each table has a transaction of its own, which gives up if the table is in use for long. Call
    it outside a transaction. Does nothing on SQLite, which needs no preparation.

    Returns: the tables that are covered now and were not before.
    Raises: NotRecorded: some could not be; it names them and the fix. The others are covered.
    """
    if connections[database].vendor != "postgresql":
        return []
    return postgresql_triggers.install(connections[database])


def remove(database: str) -> None:
    """Drop what `install` made.

    Raises: NotRecorded: some tables were in use; call it again.
    """
    if connections[database].vendor == "postgresql":
        postgresql_triggers.remove(connections[database])


def uncovered(database: str) -> list[str]:
    """The tables whose changes would not be recorded. Empty on SQLite."""
    if connections[database].vendor != "postgresql":
        return []
    return postgresql_triggers.uncovered(connections[database])


@contextmanager
def recording(database: str, token: str) -> Iterator[list[str]]:
    """Record the rows that are changed through this connection inside the block.

    If a transaction is open, two statements are added on PostgreSQL. If none is, each statement
    that writes has a transaction of its own, and each transaction of the code is recorded. A
    procedure (`CALL`, `DO`) is recorded in transactions only, since it may commit by itself.

    Gives: problems that could not be stored with the rows, filled when the block ends. The
    recording is not complete if there is one.
    Raises: AlreadyRecording: a recording is on. Whatever the block raises.
    """
    connection = connections[database]
    connection.ensure_connection()
    if connection.__dict__.get(_RECORDS):
        raise AlreadyRecording
    problems: list[str] = []
    connection.__dict__[_RECORDS] = True
    try:
        with _BY_VENDOR[connection.vendor].recording(connection, token, problems):
            yield problems
    finally:
        connection.__dict__[_RECORDS] = False


def read(database: str, token: str) -> RecordedRows:
    """What was recorded under a token. Rolled back changes are not in it."""
    rows: list[RowImage] = []
    problems: list[str] = []
    found = RecordedRow.objects.using(database).filter(token=token).order_by("id")
    for table, before, after in found.values_list("table_name", "before", "after"):
        if before is None and after is None:
            problems.append(f"{table} was truncated.")
        elif before is not None and before.startswith('"'):
            problems.append(f"A row of {table} could not be recorded: {json.loads(before)}")
        else:
            rows.append(RowImage(table, _values(before), _values(after)))
    return RecordedRows(rows, problems)


def _values(text: str | None) -> RecordedValues | None:
    return None if text is None else RecordedValues(text)


def forget(database: str, token: str) -> None:
    """Delete what was recorded under a token."""
    RecordedRow.objects.using(database).filter(token=token)._raw_delete(database)
