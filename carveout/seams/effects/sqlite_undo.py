"""The statements that put rows back on SQLite. A row is compared as the text that was recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from carveout.seams.effects import sqlite_images
from carveout.seams.effects.effects import Values
from carveout.seams.effects.row_images import text_of
from carveout.seams.effects.sqlite_images import SqliteTable, identifier
from carveout.seams.effects.undo_table import Statement


def give_up_early(_: Any) -> None:
    """Nothing is locked but the whole database, by the transaction that is open."""


def tables(connection: Any, names: Iterable[str]) -> "dict[str, SqliteUndoTable]":
    """Those of these tables that exist."""
    found = (sqlite_images.table(connection, name) for name in names)
    return {each.name: SqliteUndoTable(each) for each in found if each.columns}


@dataclass(frozen=True)
class SqliteUndoTable:
    """See `undo.UndoTable`."""

    table: SqliteTable

    @property
    def key(self) -> Sequence[str]:
        return self.table.key

    def delete(self, row: Values) -> Statement:
        return self._sql("DELETE FROM {table} WHERE {same}"), self._identity(row)

    def insert(self, row: Values) -> Statement:
        sql = self._sql(
            "INSERT INTO {table} ({columns}) SELECT {marks}"
            " WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {same_key})"
        )
        return sql, [*self._values(row), *self._key_of(row)]

    def update(self, row: Values, to: Values) -> Statement:
        sql = self._sql("UPDATE {table} SET {assigned} WHERE {same}")
        return sql, [*self._values(to), *self._identity(row)]

    def find(self, row: Values) -> Statement:
        return self._sql("SELECT 1 FROM {table} WHERE {same}"), self._identity(row)

    def find_key(self, row: Values) -> Statement:
        return self._sql("SELECT 1 FROM {table} WHERE {same_key}"), self._key_of(row)

    def _sql(self, statement: str) -> str:
        names = [_escaped(each) for each in self._columns]
        same_key = " AND ".join(f"{_escaped(each)} IS %s" for each in self.key)
        return statement.format(
            table=_escaped(self.table.name),
            columns=", ".join(names),
            marks=", ".join("%s" for _ in names),
            assigned=", ".join(f"{each} = %s" for each in names),
            same=f"{same_key} AND {self._same_image}" if same_key else self._same_place,
            same_key=same_key or "0",
        )

    @property
    def _same_image(self) -> str:
        """The condition that a row has all these values."""
        return f"{self.table.image()} = ".replace("%", "%%") + "%s"

    @property
    def _same_place(self) -> str:
        """Without a key, one of the rows that have all these values."""
        where = f"{_escaped(self.table.name)} WHERE {self._same_image} LIMIT 1"
        return f"_rowid_ = (SELECT _rowid_ FROM {where})"  # noqa: S608 (quoted names)

    def _identity(self, row: Values) -> list[Any]:
        return [*self._key_of(row), text_of(row)]

    def _key_of(self, row: Values) -> list[Any]:
        return [_bound(row.get(each)) for each in self.key]

    def _values(self, row: Values) -> list[Any]:
        return [_bound(row.get(each)) for each in self._columns]

    @property
    def _columns(self) -> list[str]:
        return [each for each in self.table.columns if each not in self.table.computed]


def _escaped(name: str) -> str:
    """A quoted name for a statement with parameters."""
    return identifier(name).replace("%", "%%")


def _bound(value: Any) -> Any:
    """A value of an image as the driver takes it."""
    if isinstance(value, Decimal):
        return float(value)
    return bytes.fromhex(value["blob"]) if isinstance(value, Mapping) else value
