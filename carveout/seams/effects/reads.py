"""Notes what code read, to tell a changed world from a fault of the handler.

A handler runs later than the call. If the same query gives other rows by then, what follows from it
is no fault. Queries are the same if their SQL and parameters are. Those of tables that the code
itself has written before are left out: what they give depends on what the code did.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

from django.db import connections

NOTED_MAX = 1_000
"""Queries of one run; later ones are not noted."""
_WRITTEN = re.compile(
    r"\b(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?"
    r'"?([\w.]+)"?',
    re.IGNORECASE,
)
_READ = re.compile(r'\b(?:FROM|JOIN)\s+(?:ONLY\s+)?"?([\w.]+)"?', re.IGNORECASE)
_QUERY = re.compile(r"\s*(?:/\*.*?\*/\s*)*(?:SELECT|WITH)\b", re.IGNORECASE | re.DOTALL)
_LOCKS = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+)?(?:UPDATE|SHARE|KEY\s+SHARE)\b", re.IGNORECASE)

Reads = dict[str, tuple[int, str]]
"""By query: what it gave, and from which tables. Each as a digest."""


@contextmanager
def noted(database: str, into: Reads) -> Iterator[None]:
    """Inside the block, note what is read from this database."""
    with connections[database].execute_wrapper(_Noting(into)):
        yield


def changed(before: Reads, after: Reads) -> str:
    """The tables that gave other rows to the same query, as text; empty if none did."""
    tables = {known[1] for query, known in before.items() if after.get(query, known)[0] != known[0]}
    return ", ".join(sorted({table for each in tables for table in each.split()}))


class _Noting:
    """Looks at each statement of a connection."""

    def __init__(self, into: Reads) -> None:
        self._into = into
        self._written: set[str] = set()

    def __call__(
        self, execute: Callable[..., Any], sql: Any, given: Any, many: bool, context: Any
    ) -> Any:
        text = str(sql)
        written = _WRITTEN.findall(_LOCKS.sub("", text))
        self._written.update(written)
        result = execute(sql, given, many, context)
        tables = _READ.findall(text)
        if written or many or not tables or not _QUERY.match(text):
            return result
        if self._written.isdisjoint(tables) and len(self._into) < NOTED_MAX:
            query = blake2b(repr((text, given)).encode(), digest_size=8).hexdigest()
            self._into[query] = (0, " ".join(sorted(set(tables))))
            context["cursor"].cursor = _NotingCursor(context["cursor"].cursor, self._note(query))
        return result

    def _note(self, query: str) -> Callable[[Any], None]:
        def note(row: Any) -> None:
            digest, tables = self._into[query]
            row_digest = int.from_bytes(blake2b(repr(row).encode(), digest_size=6).digest())
            self._into[query] = ((digest + row_digest) % 2**48, tables)  # in whatever order

        return note


class _NotingCursor:
    """A cursor of the driver that notes each row that is fetched."""

    def __init__(self, cursor: Any, note: Callable[[Any], None]) -> None:
        self._cursor, self._note = cursor, note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        for row in self._cursor:
            self._note(row)
            yield row

    def fetchone(self) -> Any:
        row = self._cursor.fetchone()
        if row is not None:
            self._note(row)
        return row

    def fetchmany(self, *size: int) -> Any:
        return self._all(self._cursor.fetchmany(*size))

    def fetchall(self) -> Any:
        return self._all(self._cursor.fetchall())

    def _all(self, rows: Any) -> Any:
        for row in rows:
            self._note(row)
        return rows
