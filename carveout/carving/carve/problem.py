"""What can't be carved, where, why, and how to fix it; and what is changed."""

from typing import NamedTuple

from carveout.errors import CarveoutError


class CarveRefused(CarveoutError):
    """The function can't be carved like this; nothing was written."""


class Problem(NamedTuple):
    """One place that a person has to change first, or know of."""

    file: str
    line: int
    text: str
    fix: str = ""

    def __str__(self) -> str:
        fix = f" Fix: {self.fix}" if self.fix else ""
        return f"{self.file}:{self.line}: {self.text}.{fix}"


class Rewritten(NamedTuple):
    """A line that is changed, and what becomes of it."""

    file: str
    line: int
    scope: str
    becomes: str
