"""Reads and writes log rows as plain text with own SQL: a model costs several times as much."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connections, transaction

from carveout.events.event import NewRecord, Record
from carveout.models import LoggedEvent

_COLUMNS = ", ".join(f'"{column}"' for column in NewRecord._fields)
_INSERT = f"INSERT INTO carveout_loggedevent ({_COLUMNS}) VALUES "  # noqa: S608 (own column names)
_MOSTLY_EMPTY = range(NewRecord._fields.index("carries"), len(NewRecord._fields))
_EVENT_ID = LoggedEvent._meta.get_field("event_id")

# The database formats UUIDs and times as text: Python objects would only be formatted again.
_IN_SQLITE = {
    "event_id": "substr(event_id, 1, 8) || '-' || substr(event_id, 9, 4) || '-'"
    " || substr(event_id, 13, 4) || '-' || substr(event_id, 17, 4) || '-' || substr(event_id, 21)",
    "time": "replace(time, ' ', 'T')",
}
_IN_POSTGRESQL = {"event_id": "event_id::text", "time": "to_json(time) #>> '{}'"}
_SELECT = """
    FROM carveout_loggedevent
    WHERE context = %s AND "partition" = %s AND position > %s ORDER BY position LIMIT %s
"""


def insert(rows: Sequence[NewRecord], database: str) -> None:
    """Store rows, in the open transaction.

    Columns that are empty in all rows are no parameters: psycopg analyzes a statement of more than
    50 parameters each time, which takes it as long as all the rest.
    Source: https://github.com/psycopg/psycopg/blob/3.2.3/psycopg/psycopg/_queries.py
    """
    connection = connections[database]
    empty = {index for index in _MOSTLY_EMPTY if not any(row[index] for row in rows)}
    given = [index for index in range(2, len(NewRecord._fields)) if index not in empty]
    values: list[Any] = []
    for row in rows:
        event_id = _EVENT_ID.get_db_prep_value(row.event_id, connection)
        values += (event_id, connection.ops.adapt_datetimefield_value(row.time))
        values += [row[index] for index in given]
    each = ", ".join("''" if index in empty else "%s" for index in range(len(NewRecord._fields)))
    # If an event is not stored, neither is the change, even if the caller catches the error.
    with transaction.mark_for_rollback_on_error(using=database), connection.cursor() as cursor:
        cursor.execute(_INSERT + ", ".join([f"({each})"] * len(rows)), values)


def columns(vendor: str) -> str:
    """The columns of a `Record`, for SELECT or RETURNING."""
    special = _IN_POSTGRESQL if vendor == "postgresql" else _IN_SQLITE
    if vendor == "sqlite" and settings.USE_TZ:
        special = {**special, "time": f"{special['time']} || '+00:00'"}
    each = {column: special.get(column, f'"{column}"') for column in Record._fields}
    return ", ".join(f'{expression} AS "{column}"' for column, expression in each.items())


def select(context: str, partition: int, after: int, limit: int, database: str) -> list[Record]:
    """Rows after a position, in order."""
    connection = connections[database]
    with connection.cursor() as cursor:
        statement = f"SELECT {columns(connection.vendor)} {_SELECT}"
        cursor.execute(statement, [context, partition, after, limit])
        return [Record._make(row) for row in cursor.fetchall()]
