"""Puts rows back to what they were before a recorded call, inside a savepoint that is rolled back.

Each change is taken back by one statement, from the last to the first. The statement does so only
if the row is what the change left. What triggers and cascades write meanwhile is recorded too, and
taken back in turn: in the end the rows are exactly those of before, or an error says why not.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any
from uuid import uuid4

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    ProgrammingError,
    connections,
    transaction,
)

from carveout.errors import CarveoutError, NotInTransaction
from carveout.models import LoggedEvent
from carveout.runtime.databases import states
from carveout.seams.effects import postgresql_undo, sqlite_undo
from carveout.seams.effects.effects import RowImage, Values
from carveout.seams.effects.row_images import forget, read, recording, text_of
from carveout.seams.effects.undo_table import UndoTable

_BY_VENDOR: Mapping[str, ModuleType] = {"postgresql": postgresql_undo, "sqlite": sqlite_undo}
_IN_USE = {"55P03", "40P01", "40001"}
"""SQLSTATEs: no lock in time, a deadlock, another transaction was first."""
ROUNDS = 3
"""How often that is taken back which triggers wrote meanwhile."""

Step = Callable[[Any, RowImage, Mapping[str, UndoTable]], bool]


class MovedOn(CarveoutError):
    """A row is no longer what the recorded call left. The message names its table, and no
    key: it groups results that are alike.
    """


class InUse(MovedOn):
    """Another transaction is changing a row of the recorded call. The message names its table."""


class NotPutBack(MovedOn):
    """Rows can't be put back, since triggers change them again. The message names the tables."""


def undo(database: str, rows: Sequence[RowImage]) -> None:
    """Put all rows back to what they were before these changes, exactly.

    Call it in a savepoint and roll that back. Until then, no statement of the transaction waits
    long for a lock on PostgreSQL, since others wait for the rows. Carveout's log is left as it
    is: the relay has changed it since, and no handler reads it.

    Raises: MovedOn: somebody changed one of the rows since.
        InUse: somebody is changing one of them now.
        NotPutBack: triggers of the tables change what is put back.
        NotInTransaction: no transaction is open. Nothing was done.
    """
    connection = connections[database]
    if not connection.in_atomic_block:
        raise NotInTransaction("undo() was called outside a transaction. Nothing was done.")
    give_up_early(database)
    token = uuid4().hex
    with recording(database, token):
        _undo(connection, _without_log(rows), token)
    forget(database, token)


def give_up_early(database: str) -> None:
    """Until the savepoint or transaction is rolled back, wait only shortly for a lock.

    Less than PostgreSQL waits before it looks for deadlocks: so it is never others who are ended.
    """
    _BY_VENDOR[connections[database].vendor].give_up_early(connections[database])


def _undo(connection: Any, rows: Sequence[RowImage], token: str) -> None:
    """Try again more carefully if foreign keys or triggers of the tables are in the way."""
    moved: MovedOn | None = None
    for way in (_in_reverse, _when_possible, _all_in_all):
        if moved and way is _when_possible:
            continue  # only what the rows come to may help against triggers
        try:
            with transaction.atomic(using=connection.alias):
                way(connection, rows)
                _take_back_triggered(connection, rows, token)
                return
        except IntegrityError:
            continue
        except InUse:
            raise
        except MovedOn as error:
            moved = moved or error
    raise moved or NotPutBack


def _in_reverse(connection: Any, rows: Sequence[RowImage]) -> None:
    _take_back(connection, rows, _step)


def _when_possible(connection: Any, rows: Sequence[RowImage]) -> None:
    """Take back first what foreign keys allow.

    PostgreSQL records what a foreign key cascades after its cause.
    """
    _take_back(connection, rows, _try_step)


def _all_in_all(connection: Any, rows: Sequence[RowImage]) -> None:
    """Replace each row as it is now by the row of before.

    A table's own triggers may not let an update of a row be taken back.
    """
    _take_back(connection, left_over(rows), _try_step)


def _without_log(rows: Iterable[RowImage]) -> list[RowImage]:
    return [each for each in rows if each.table != LoggedEvent._meta.db_table]


def _take_back(connection: Any, rows: Sequence[RowImage], step: Step) -> None:
    """Take changes back, from the last to the first."""
    tables = _BY_VENDOR[connection.vendor].tables(connection, {each.table for each in rows})
    pending = [*reversed(rows)]
    while pending:
        # A row's own triggers may have changed it again before its first change was recorded.
        left = [each for each in pending if not step(connection, each, tables)]
        if len(left) == len(pending):
            raise MovedOn(f"A row of {left[0].table} was changed since the call was recorded.")
        pending = left


def _try_step(connection: Any, row: RowImage, tables: Mapping[str, UndoTable]) -> bool:
    try:
        with transaction.atomic(using=connection.alias):
            return _step(connection, row, tables)
    except IntegrityError:
        return False


def _step(connection: Any, row: RowImage, tables: Mapping[str, UndoTable]) -> bool:
    """Take one change back. Returns: whether the row is now what it was before the change."""
    table = tables.get(row.table)
    if table is None:
        raise MovedOn(f"The table {row.table} was dropped since the call was recorded.")
    try:
        return _took_back(connection, row, table)
    except (DataError, ProgrammingError) as error:
        raise MovedOn(
            f"The table {row.table} was changed since the call was recorded: {error}"
        ) from error
    except DatabaseError as error:
        if _IN_USE.isdisjoint(states(error)):
            raise
        raise InUse(f"A row of {row.table} is being changed by another transaction.") from error


def _took_back(connection: Any, row: RowImage, table: UndoTable) -> bool:
    with connection.cursor() as cursor:
        if row.after is None:
            cursor.execute(*table.insert(row.before or {}))
        elif row.before is None:
            cursor.execute(*table.delete(row.after))
        else:
            cursor.execute(*table.update(row.after, row.before))
        return cursor.rowcount == 1 or _is_as_before(cursor, row, table)


def _is_as_before(cursor: Any, row: RowImage, table: UndoTable) -> bool:
    """Whether a cascade or a trigger took the change back already."""
    if row.before is not None:
        cursor.execute(*table.find(row.before))
        return cursor.fetchone() is not None
    if not table.key:
        return False
    cursor.execute(*table.find_key(row.after or {}))
    return cursor.fetchone() is None


def _take_back_triggered(connection: Any, rows: Sequence[RowImage], token: str) -> None:
    """Take back what else was written while these changes were taken back."""
    for _ in range(ROUNDS):
        left = left_over([*rows, *_without_log(read(connection.alias, token).rows)])
        if not left:
            return
        with suppress(MovedOn):
            _take_back(connection, left, _try_step)
    names = ", ".join(sorted({each.table for each in left}))
    raise NotPutBack(f"Rows of {names} can't be put back: triggers change them again.")


def left_over(rows: Iterable[RowImage]) -> list[RowImage]:
    """What all these changes come to, in whatever order they happened.

    Rows that are gone are first, so that they are put back after others are deleted.
    """
    values: dict[tuple[str, str], Values] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for image, count in ((row.before, -1), (row.after, 1)):
            if image is not None:
                state = (row.table, text_of(image))
                values[state] = image
                counts[state] += count
    gone = [RowImage(state[0], values[state], None) for state in (-counts).elements()]
    return gone + [RowImage(state[0], None, values[state]) for state in (+counts).elements()]
