"""A violation or notice of a check about a line of the project."""

from collections.abc import Iterable
from typing import NamedTuple


class Violation(NamedTuple):
    """A message about a file and line: a violation, or only a notice."""

    location: str
    message: str
    is_error: bool = True

    def __str__(self) -> str:
        return f"{'' if self.is_error else 'notice: '}{self.location}: {self.message}"


def in_order(violations: Iterable[Violation]) -> list[Violation]:
    """Each once, violations first, then by file and line."""
    return sorted(
        set(violations), key=lambda each: (not each.is_error, _file_and_line(each.location), each)
    )


def _file_and_line(at: str) -> tuple[str, int]:
    file, _, line = at.partition(":")
    return file, int(line or 0)
