"""A coupling: one place where an app's code needs another app."""

from typing import Any

import msgspec

EVERY = "*"
"""The target app of what reaches into every app, such as a receiver without a sender."""


class Coupling(msgspec.Struct, frozen=True, kw_only=True):
    """`source` needs `target`: apps by label, symbols by what a reader would search for.

    `form` is the variety within a kind: an import in a function, a many-to-many relation.
    """

    kind: str
    form: str
    source: str
    source_symbol: str
    file: str
    """From the project's root on."""
    line: int
    target: str
    target_symbol: str
    sure: bool = True
    """False: read from names alone, where only running could tell."""
    details: dict[str, Any] = {}

    @property
    def identity(self) -> str:
        """The same for the same coupling when lines move."""
        return f"{self.kind} {self.source_symbol} -> {self.target_symbol}"

    @property
    def at(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def told(self) -> str:
        """What needs what, in a line."""
        return f"{self.kind}, {self.form}: {self.source_symbol} → {self.target_symbol}"

    def listed(self, name: str) -> list[str]:
        """A detail that lists several; none if there is no such list."""
        told = self.details.get(name)
        return [str(each) for each in told] if isinstance(told, list) else []

    @property
    def in_migrations(self) -> bool:
        """Only the history of tables needs it."""
        return "migrations" in self.file.split("/")

    @property
    def in_tests(self) -> bool:
        """Only tests need it: carving changes them, and nothing that runs."""
        return is_of_tests(self.file)


def is_of_tests(file: str) -> bool:
    *folders, name = file.split("/")
    return (
        bool({"tests", "test", "testing"} & {*folders})
        or name in ("tests.py", "conftest.py")
        or name.startswith("test_")
    )
