"""What carving each context costs: its couplings in both directions, and the dangers in it."""

from collections import Counter

import msgspec

from carveout.plan.line import Line, total
from carveout.survey.dangers.danger import Danger
from carveout.survey.found import Pair, Survey
from carveout.survey.project import SHELL

DANGER_POINTS = 3
"""For each: a place to write anew, before a context may be carved there."""

Lines = dict[Pair, list[Line]]


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    context: str
    needs: dict[str, float]
    """Points by the context that it needs, the dearest first."""
    needed_by: dict[str, float]
    dangers: list[Danger]
    ways: dict[str, int]
    """How many couplings become what."""
    not_sure: int
    in_tests: int
    has_accounts: bool
    """It has AUTH_USER_MODEL, which the sessions and permissions of all others need."""
    apart: int
    """Couplings with kernels, third-party apps and the project's own shell: they stay."""

    @property
    def points(self) -> float:
        return self.without(frozenset())

    def without(self, carved: frozenset[str]) -> float:
        """What is left once these are carved, and their couplings with it cut."""
        couplings = [*self.needs.items(), *self.needed_by.items()]
        between = sum(points for other, points in couplings if other not in carved)
        return between + DANGER_POINTS * len(self.dangers)


def costs(found: Survey, lines: Lines, accounts: str = "") -> dict[str, Cost]:
    """Of each context, and of each app that is in none. Kernels are carved by nobody.

    `accounts`: the app that has AUTH_USER_MODEL.
    """
    return {each: _cost(each, found, lines, accounts) for each in contexts(found)}


def contexts(found: Survey) -> list[str]:
    return [*found.declared, *further(found)]


def further(found: Survey) -> list[str]:
    """Apps that are in no declared context; all, where none are declared."""
    return [each for each in own_apps(found) if found.contexts[each] not in found.declared]


def own_apps(found: Survey) -> list[str]:
    """Those that contexts are made of."""
    return sorted({*found.contexts} - {*found.kernels, SHELL})


def _cost(context: str, found: Survey, lines: Lines, accounts: str) -> Cost:
    own = [each for pair, group in lines.items() if context in pair for each in group]
    return Cost(
        context=context,
        needs=_by_other(lines, context, 0),
        needed_by=_by_other(lines, context, 1),
        dangers=[each for each in found.dangers if found.context(each.app) == context],
        ways=dict(Counter(each.cut.to for each in own).most_common()),
        not_sure=sum(not each.coupling.sure for each in own),
        in_tests=sum(each.coupling.in_tests for each in own),
        has_accounts=found.context(accounts) == context,
        apart=sum(len(group) for pair, group in found.apart.items() if context in pair),
    )


def _by_other(lines: Lines, context: str, end: int) -> dict[str, float]:
    points = {pair[1 - end]: total(group) for pair, group in lines.items() if pair[end] == context}
    return dict(sorted(points.items(), key=lambda item: (-item[1], item[0])))
