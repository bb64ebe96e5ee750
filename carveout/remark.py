"""Remarks: what a check says about a line of the project."""

from collections.abc import Iterable
from typing import NamedTuple


class Remark(NamedTuple):
    """About the code at a file and line: it is broken, or it is only worth knowing."""

    at: str
    text: str
    broken: bool = True

    def __str__(self) -> str:
        return f"{'' if self.broken else 'notice: '}{self.at}: {self.text}"


def in_order(remarks: Iterable[Remark]) -> list[Remark]:
    """Each once, those of what is broken first, then by file and line."""
    return sorted(set(remarks), key=lambda each: (not each.broken, _file_and_line(each.at), each))


def _file_and_line(at: str) -> tuple[str, int]:
    file, _, line = at.partition(":")
    return file, int(line or 0)
