"""A finding: how bad it is, what was checked, what was found, and the fix."""

import time
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

CLOCKS_APART_S = 2.0


class Level(IntEnum):
    """How bad it is; the exit code of the command."""

    OK = 0
    WARNING = 1
    """Works, but a guarantee or a reserve is weaker than it should be, or work piles up."""
    ERROR = 2
    """Something has stopped, or may be lost, until somebody acts."""


class Finding(NamedTuple):
    """One line of the report."""

    level: Level
    what: str
    found: str
    fix: str = ""

    def __str__(self) -> str:
        fix = f" Fix: {self.fix}" if self.fix else ""
        return f"{self.level.name.lower():8} {self.what}: {self.found}.{fix}"


def ok(what: str, found: str) -> Finding:
    return Finding(Level.OK, what, found)


def warning(what: str, found: str, fix: str) -> Finding:
    return Finding(Level.WARNING, what, found, fix)


def error(what: str, found: str, fix: str) -> Finding:
    return Finding(Level.ERROR, what, found, fix)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def worst(findings: Iterable[Finding]) -> Level:
    return max((finding.level for finding in findings), default=Level.OK)


def compare_clocks(what: str, clock_s: float, asked_at_s: float) -> Finding:
    """Compares another clock with ours: it was asked at `asked_at_s`, and has just answered."""
    apart_s = max(asked_at_s - clock_s, clock_s - time.time(), 0)
    if apart_s > CLOCKS_APART_S:
        return warning(
            what,
            f"its clock and this machine's are {apart_s:.0f} s apart; tokens may be refused, and"
            " retries come too early or too late",
            "synchronize both clocks with NTP",
        )
    return ok(what, "its clock agrees with this machine's")
