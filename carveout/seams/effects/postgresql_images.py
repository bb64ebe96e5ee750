"""Recording on PostgreSQL: a setting that is local to each transaction turns the triggers on.

Nothing is set for a session, since a pooler may give the session to another process.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError, transaction

_COMMENTS = r"(?:\s|/\*.*?\*/|--[^\n]*\n|\()*"
_WRITES = re.compile(
    rf"{_COMMENTS}(?:insert|update|delete|merge|truncate|copy|with)\b", re.I | re.S
)
_GOES_BACK = re.compile(r"\s*(?:rollback|release)\b", re.I)
_ON = "SELECT set_config('carveout.recording', %s, true)"
_OFF = """
    SELECT current_setting('carveout.recording', true), set_config('carveout.recording', '', true)
"""


@contextmanager
def recording(connection: Any, token: str, problems: list[str]) -> Iterator[None]:
    """See `row_images.recording`."""
    setting = _Setting(connection, token)
    if connection.in_atomic_block:
        setting.turn_on()
    with connection.execute_wrapper(setting.around):
        try:
            yield
        finally:
            if connection.in_atomic_block:
                # In a transaction that failed, it can't be turned off and ends with it anyway.
                with suppress(DatabaseError):
                    problems += setting.turn_off()


class _Setting:
    """Turns the recording on in each transaction, before its first statement."""

    def __init__(self, connection: Any, token: str) -> None:
        self._connection = connection
        self._token = token
        self._turned_on_at: tuple[Any, Any] | None = None

    def around(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """Execute a statement so that it is recorded."""
        if self._connection.in_atomic_block:
            if not self._is_on() and not (isinstance(sql, str) and _GOES_BACK.match(sql)):
                self.turn_on()
            return execute(sql, params, many, context)
        if isinstance(sql, str) and not _WRITES.match(sql):
            return execute(sql, params, many, context)
        with transaction.atomic(using=self._connection.alias):
            self.turn_on()
            return execute(sql, params, many, context)

    def turn_on(self) -> None:
        """Turn it on until the open transaction or savepoint is rolled back or committed."""
        self._turned_on_at = self._now()
        with self._connection.cursor() as cursor:
            cursor.execute(_ON, [self._token])

    def turn_off(self) -> list[str]:
        """Turn it off. Returns: what the triggers could not store, at most one sentence."""
        self._turned_on_at = self._now()  # this statement needs no recording
        with self._connection.cursor() as cursor:
            cursor.execute(_OFF)
            value, _ = cursor.fetchone()
        failed = value and value.startswith("failed: ")
        return [f"Rows could not be recorded: {value.removeprefix('failed: ')}"] if failed else []

    def _is_on(self) -> bool:
        """Whether nothing ended or was rolled back since it was turned on. May be too careful.

        Django begins another list of hooks at each commit, rollback and rollback to a savepoint.
        """
        at = self._turned_on_at
        return at is not None and all(a is b for a, b in zip(at, self._now(), strict=True))

    def _now(self) -> tuple[Any, Any]:
        return self._connection.connection, self._connection.run_on_commit
