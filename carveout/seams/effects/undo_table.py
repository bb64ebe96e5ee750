"""What a database has to know to put the rows of a table back. Apart, since all of them need it."""

from collections.abc import Sequence
from typing import Any, Protocol

from carveout.seams.effects.effects import Values

Statement = tuple[str, Any]
"""SQL and its parameters."""


class UndoTable(Protocol):
    """The statements for one table. Each finds at most one row, and only with all these values."""

    @property
    def key(self) -> Sequence[str]:
        """The columns of the primary key; empty if there is none."""

    def delete(self, row: Values) -> Statement:
        """Delete the row."""

    def insert(self, row: Values) -> Statement:
        """Insert the row, unless one has its key."""

    def update(self, row: Values, to: Values) -> Statement:
        """Give the row other values."""

    def find(self, row: Values) -> Statement:
        """Select the row."""

    def find_key(self, row: Values) -> Statement:
        """Select the row with the same key, whatever its other values are."""
