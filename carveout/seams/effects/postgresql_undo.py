"""The statements that put rows back on PostgreSQL.

Values travel as the JSON text that the trigger wrote. The database turns them into a row of the
table, and compares them byte by byte: 1.0 is not 1.00.
Source: https://www.postgresql.org/docs/current/functions-comparisons.html (record image)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from carveout.seams.effects.effects import Values
from carveout.seams.effects.row_images import text_of
from carveout.seams.effects.undo_table import Statement

LOCK_TIMEOUT_MS = 200
"""Less than PostgreSQL's deadlock_timeout: in a deadlock with another transaction, we give up."""
_COLUMNS = """
    SELECT relname, format('%%I', relname),
        array_agg(quoted ORDER BY attnum) FILTER (WHERE attgenerated = ''),
        array_agg(quoted ORDER BY attnum) FILTER (WHERE attidentity = 'a'),
        array_agg(quoted ORDER BY attnum) FILTER (WHERE attnum = ANY(conkey)),
        array_agg(attname::text ORDER BY attnum) FILTER (WHERE attnum = ANY(conkey)),
        json_object_agg(quoted, format_type(atttypid, NULL)) FILTER (
            WHERE array[pg_type.oid, typbasetype] && array['json', 'jsonb']::regtype[]::oid[])
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
        JOIN pg_type ON pg_type.oid = atttypid
        LEFT JOIN pg_constraint ON conrelid = pg_class.oid AND contype = 'p'
        CROSS JOIN LATERAL format('%%I', attname) AS quoted
    WHERE relname = ANY(%s) AND relkind IN ('r', 'p') AND pg_table_is_visible(pg_class.oid)
    GROUP BY relname
"""


def give_up_early(connection: Any) -> None:
    """Wait for no lock longer than others wait for a deadlock to end, until this is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'")


def tables(connection: Any, names: Iterable[str]) -> "dict[str, PostgresqlUndoTable]":
    """Those of these tables that exist."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [[*names]])
        return {name: _table(*shape) for name, *shape in cursor.fetchall()}


def _table(name: str, *shape: Any) -> "PostgresqlUndoTable":
    *quoted, key, json_types = (each or [] for each in shape)
    columns, always, quoted_key = ([*map(_escaped, each)] for each in quoted)
    types = {_escaped(column): type_ for column, type_ in dict(json_types).items()}
    return PostgresqlUndoTable(_escaped(name), columns, always, quoted_key, key, types)


def _escaped(name: str) -> str:
    """A quoted name for a statement with parameters."""
    return name.replace("%", "%%")


@dataclass(frozen=True)
class PostgresqlUndoTable:
    """See `undo.UndoTable`. Names are quoted for a statement with parameters, but for `key`."""

    name: str
    columns: Sequence[str]
    """Without generated ones."""
    always: Sequence[str]
    """Those that no UPDATE may set: GENERATED ALWAYS AS IDENTITY."""
    quoted_key: Sequence[str]
    key: Sequence[str]
    json_types: Mapping[str, str]
    """The types of columns with JSON: an image has them as text."""

    def delete(self, row: Values) -> Statement:
        return self._sql("DELETE FROM {table} AS present USING {row} WHERE {same}", row)

    def insert(self, row: Values) -> Statement:
        return self._sql(
            "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values} FROM {row}"
            " WHERE NOT EXISTS (SELECT FROM {table} AS present WHERE {same_key})",
            row,
        )

    def update(self, row: Values, to: Values) -> Statement:
        set_to = "UPDATE {table} AS present SET {assigned} FROM {row}, {to} WHERE {same}"
        return self._sql(set_to, row, to)

    def find(self, row: Values) -> Statement:
        return self._sql("SELECT 1 FROM {table} AS present, {row} WHERE {same}", row)

    def find_key(self, row: Values) -> Statement:
        return self._sql("SELECT 1 FROM {table} AS present, {row} WHERE {same_key}", row)

    def _sql(self, statement: str, row: Values, to: Values | None = None) -> Statement:
        same_key = " AND ".join(f"present.{each} = given.{each}" for each in self.quoted_key)
        sql = statement.format(
            table=self.name,
            columns=", ".join(self.columns),
            values=self._values("given"),
            assigned=", ".join(f"{each} = {self._value('later', each)}" for each in self._settable),
            row=f"{self._populated('row')} AS given",
            to=f"{self._populated('to')} AS later",
            same=f"{same_key or self._same_place} AND {self._same('present')}",
            same_key=same_key or "false",
        )
        return sql, {"row": text_of(row), "to": None if to is None else text_of(to)}

    @property
    def _settable(self) -> list[str]:
        return [each for each in self.columns if each not in self.always]

    @property
    def _same_place(self) -> str:
        """Without a key, one of the rows that have all these values."""
        found = f"{self.name} AS one, {self._populated('row')} AS given"
        return f"present.ctid = (SELECT one.ctid FROM {found} WHERE {self._same('one')} LIMIT 1)"  # noqa: S608 (quoted names)

    def _populated(self, parameter: str) -> str:
        return f"json_populate_record(NULL::{self.name}, %({parameter})s::json)"

    def _same(self, row: str) -> str:
        """The condition that a row has all the values of an image."""
        present = ", ".join(f"{row}.{each}" for each in self.columns)
        return f"ROW({present})::record *= ROW({self._values('given')})::record"

    def _values(self, image: str) -> str:
        return ", ".join(self._value(image, each) for each in self.columns)

    def _value(self, image: str, column: str) -> str:
        if type_ := self.json_types.get(column):
            return f"({image}.{column} #>> '{{}}')::{type_}"
        return f"{image}.{column}"
