"""Finds out which of the commands that a plan names exist in this version."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.core.management import find_commands

import carveout
from carveout.carving.plan.rules.rule import parted

MANAGEMENT = Path(carveout.__file__).resolve().parent / "management"


@cache
def shipped() -> frozenset[str]:
    """Names of our commands. Read from the folder: carveout need not be in INSTALLED_APPS."""
    return frozenset(find_commands(str(MANAGEMENT)))


def lacking(commands: Iterable[str]) -> list[str]:
    """Names of the commands that this version does not have, sorted."""
    names = {one.split()[1] for each in commands for one in parted(each)}
    return sorted(names - shipped())
