"""Describes a coupling: one place where an app's code needs another app."""

from typing import Any

import msgspec

EVERY = "*"
"""The target app of a coupling with every app, such as a receiver without a sender."""


class Coupling(msgspec.Struct, frozen=True, kw_only=True):
    """`source` needs `target`: apps by label, symbols by the name that a reader would search for.

    `form` is the variety within a kind: an import in a function, a many-to-many relation.
    """

    kind: str
    form: str
    source: str
    source_symbol: str
    file: str
    """Relative to the project's root."""
    line: int
    target: str
    target_symbol: str
    sure: bool = True
    """False: guessed from names; only running the code could confirm it."""
    in_tests: bool = False
    """Only tests need it: carving changes those tests, but no production code."""
    details: dict[str, Any] = {}

    @property
    def identity(self) -> str:
        """Stays the same when lines move."""
        return f"{self.kind} {self.source_symbol} -> {self.target_symbol}"

    @property
    def at(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def summary(self) -> str:
        """One line: what needs what."""
        return f"{self.kind}, {self.form}: {self.source_symbol} → {self.target_symbol}"

    def listed(self, name: str) -> list[str]:
        """A detail that is a list; empty if there is no such list."""
        found = self.details.get(name)
        return [str(each) for each in found] if isinstance(found, list) else []

    @property
    def in_migrations(self) -> bool:
        """Only migrations, the history of tables, need it."""
        return "migrations" in self.file.split("/")
