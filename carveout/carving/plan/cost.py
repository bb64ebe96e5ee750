"""Adds up what carving each context costs: couplings in both directions, and its dangers."""

from collections import Counter

import msgspec

from carveout.carving.plan.cut_line import CutLine, total
from carveout.carving.survey.dangers.danger import Danger
from carveout.carving.survey.project import SHELL
from carveout.carving.survey.result import Pair, Survey, running

DANGER_POINTS = 3
"""For each danger: one place to rewrite before the context can be carved."""

Lines = dict[Pair, list[CutLine]]


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    context: str
    needs: dict[str, float]
    """Points by the context that it needs, the most expensive first."""
    needed_by: dict[str, float]
    dangers: list[Danger]
    ways: dict[str, int]
    """Number of couplings by what they become."""
    not_sure: int
    in_tests: int
    """Number of couplings that only tests need, not counted in the others."""
    points_in_tests: float
    has_accounts: bool
    """It owns AUTH_USER_MODEL, which the sessions and permissions of all others need."""
    apart: int
    """Number of couplings with kernels, third-party apps and the project's own shell: they stay."""

    @property
    def points(self) -> float:
        return self.without(frozenset())

    def without(self, carved: frozenset[str]) -> float:
        """The points that are left once these are carved, and their couplings with it are cut."""
        couplings = [*self.needs.items(), *self.needed_by.items()]
        between = sum(points for other, points in couplings if other not in carved)
        return between + DANGER_POINTS * len(self.dangers)


def costs(found: Survey, lines: Lines, in_tests: Lines, accounts: str = "") -> dict[str, Cost]:
    """The cost of each context, and of each app that is in none. Kernels are never carved.

    `lines` are couplings of code that runs. `accounts`: the app that owns AUTH_USER_MODEL.
    """
    return {each: _cost(each, found, lines, in_tests, accounts) for each in contexts(found)}


def contexts(found: Survey) -> list[str]:
    return [*found.declared, *further(found)]


def further(found: Survey) -> list[str]:
    """Apps that are in no declared context; all apps if none is declared."""
    return [each for each in own_apps(found) if found.contexts[each] not in found.declared]


def own_apps(found: Survey) -> list[str]:
    """First-party apps that can be in contexts: all but kernels and the project's shell."""
    return sorted({*found.contexts} - {*found.kernels, SHELL})


def _cost(context: str, found: Survey, lines: Lines, in_tests: Lines, accounts: str) -> Cost:
    own = _lines_of(context, lines)
    tests = _lines_of(context, in_tests)
    return Cost(
        context=context,
        needs=_by_other(lines, context, 0),
        needed_by=_by_other(lines, context, 1),
        dangers=[each for each in found.dangers if found.context(each.app) == context],
        ways=dict(Counter(each.cut.to for each in own).most_common()),
        not_sure=sum(not each.coupling.sure for each in own),
        in_tests=len(tests),
        points_in_tests=total(tests),
        has_accounts=found.context(accounts) == context,
        apart=sum(len(running(group)) for pair, group in found.apart.items() if context in pair),
    )


def _lines_of(context: str, lines: Lines) -> list[CutLine]:
    return [each for pair, group in lines.items() if context in pair for each in group]


def _by_other(lines: Lines, context: str, end: int) -> dict[str, float]:
    points = {pair[1 - end]: total(group) for pair, group in lines.items() if pair[end] == context}
    return dict(sorted(points.items(), key=lambda item: (-item[1], item[0])))
