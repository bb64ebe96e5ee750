"""One line of the plan: a coupling, its cut, and the points that count."""

from collections.abc import Collection, Iterable

import msgspec

from carveout.carving.plan.cut import Cut, cut
from carveout.carving.survey.coupling import Coupling

NOT_SURE = 0.5
"""Couplings inferred from names alone count half: about half of them are real."""
IN_TESTS = 0.25
"""Couplings that only tests need count a quarter: only tests change, no code that runs."""
AT_ONCE = ("transaction", "cascade")
FURTHER = 1
"""Points of each additional model that the same subscriber writes or deletes."""


class CutLine(msgspec.Struct, frozen=True):
    coupling: Coupling
    cut: Cut
    points: float
    """The cut's points, reduced if the coupling is unsure or only in tests."""


def line(coupling: Coupling, libraries: Collection[str] = ()) -> CutLine:
    found = cut(coupling, coupling.target_symbol in libraries)
    sure = 1.0 if coupling.sure else NOT_SURE
    return CutLine(coupling, found, found.points * sure * (IN_TESTS if coupling.in_tests else 1.0))


def lines(couplings: Iterable[Coupling], libraries: Collection[str] = ()) -> list[CutLine]:
    """A transaction or deletion that affects several models of an app is cut once."""
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


def total(lines: Iterable[CutLine]) -> float:
    return sum(each.points for each in lines)
