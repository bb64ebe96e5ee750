"""A line of the plan: a coupling, its cut, and what that counts for."""

from collections.abc import Collection, Iterable

import msgspec

from carveout.plan.cut import Cut, cut
from carveout.survey.coupling import Coupling

NOT_SURE = 0.5
"""What was read from names alone counts half: about as often as not it is one."""
IN_TESTS = 0.25
"""What only tests need counts a quarter: tests change, and nothing that runs."""
AT_ONCE = ("transaction", "cascade")
FURTHER = 1
"""Points of a further model that the same subscriber writes or deletes."""


class Line(msgspec.Struct, frozen=True):
    coupling: Coupling
    cut: Cut
    points: float
    """Those of the cut, less if the coupling is not sure or only in tests."""


def line(coupling: Coupling, libraries: Collection[str] = ()) -> Line:
    found = cut(coupling, coupling.target_symbol in libraries)
    sure = 1.0 if coupling.sure else NOT_SURE
    return Line(coupling, found, found.points * sure * (IN_TESTS if coupling.in_tests else 1.0))


def lines(couplings: Iterable[Coupling], libraries: Collection[str] = ()) -> list[Line]:
    """What one transaction or deletion does to several models of an app is cut once."""
    cut_already: set[tuple[str, str, str]] = set()
    found = []
    for each in couplings:
        one = line(each, libraries)
        key = each.kind, each.source_symbol, each.target
        if each.kind in AT_ONCE and key in cut_already:
            one = msgspec.structs.replace(one, points=min(one.points, FURTHER))
        cut_already.add(key)
        found.append(one)
    return found


def total(lines: Iterable[Line]) -> float:
    return sum(each.points for each in lines)
