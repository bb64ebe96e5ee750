"""A finding: how bad it is, what was looked at, what was found, and the mend."""

import time
from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from django.utils import timezone

CLOCKS_APART_S = 2.0


class Level(IntEnum):
    """How bad it is; the exit code of the command."""

    OK = 0
    WARNING = 1
    """Works, but a guarantee or a reserve is thinner than it should be, or work piles up."""
    ERROR = 2
    """Something stands still, or may be lost, until somebody acts."""


class Finding(NamedTuple):
    """One line of the report."""

    level: Level
    what: str
    found: str
    mend: str = ""

    def __str__(self) -> str:
        mend = f" Mend: {self.mend}" if self.mend else ""
        return f"{self.level.name.lower():8} {self.what}: {self.found}.{mend}"


def ok(what: str, found: str) -> Finding:
    return Finding(Level.OK, what, found)


def warning(what: str, found: str, mend: str) -> Finding:
    return Finding(Level.WARNING, what, found, mend)


def error(what: str, found: str, mend: str) -> Finding:
    return Finding(Level.ERROR, what, found, mend)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def worst(findings: Iterable[Finding]) -> Level:
    return max((finding.level for finding in findings), default=Level.OK)


def compare_clocks(what: str, told_s: float, asked_at_s: float) -> Finding:
    """Another clock against ours: it was asked at `asked_at_s`, and has just answered."""
    apart_s = max(asked_at_s - told_s, told_s - time.time(), 0)
    if apart_s > CLOCKS_APART_S:
        return warning(
            what,
            f"its clock and this machine's are {apart_s:.0f} s apart; tokens may be refused, and"
            " retries come too early or too late",
            "let NTP set both clocks",
        )
    return ok(what, "its clock agrees with this machine's")


def age_s(moment: datetime) -> float:
    """How many seconds ago that was."""
    return (timezone.now() - moment).total_seconds()
