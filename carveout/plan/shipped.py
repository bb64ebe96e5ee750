"""Which of the commands that a plan names are there in this version."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.core.management import find_commands

from carveout.plan.way import parted

MANAGEMENT = Path(__file__).resolve().parent.parent / "management"


@cache
def shipped() -> frozenset[str]:
    """Names of our commands; asked of the folder, because we need not be installed."""
    return frozenset(find_commands(str(MANAGEMENT)))


def lacking(commands: Iterable[str]) -> list[str]:
    """Names of those that this version does not have, sorted."""
    names = {one.split()[1] for each in commands for one in parted(each)}
    return sorted(names - shipped())
