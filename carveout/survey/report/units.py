"""Units: what the page has rows and boxes for, contexts and the apps in them."""

from collections import Counter
from itertools import chain
from typing import NamedTuple

from carveout.survey.coupling import EVERY, Coupling
from carveout.survey.found import Survey
from carveout.survey.project import SHELL
from carveout.survey.report.clusters import ordered


class Unit(NamedTuple):
    """A context, or an app of one that has several. Its number is its place in the order."""

    number: int
    name: str
    context: int
    """The number of its context; its own if it is one."""
    apps: list[str]
    """The apps whose couplings are its own. A context that can be unfolded leaves them to those."""
    is_declared: bool
    """False: an app that is in no context, while others are."""

    @property
    def is_context(self) -> bool:
        return self.number == self.context


def units(found: Survey) -> list[Unit]:
    """Each context, its apps after it, in the order that puts cycles into blocks.

    Those without a coupling are left out.
    """
    made: list[Unit] = []
    for name, apps in _by_context(found).items():
        context = len(made)
        declared = not found.declared or name in found.declared or name == EVERY
        made.append(Unit(context, name, context, [] if apps[1:] else apps, declared))
        for app in apps if apps[1:] else ():
            made.append(Unit(len(made), app, context, [app], declared))
    return made


def _by_context(found: Survey) -> dict[str, list[str]]:
    couplings = listed(found)
    by_app = Counter((each.source, each.target) for each in couplings)
    by_context = Counter(found.pair(each) for each in couplings)
    apps: dict[str, set[str]] = {}
    for each in couplings:
        for app, context in zip((each.source, each.target), found.pair(each), strict=True):
            apps.setdefault(context, set()).add(app)
    order = ordered(apps.keys() - {EVERY}, by_context) + [EVERY] * (EVERY in apps)
    return {context: ordered(apps[context], by_app) for context in order}


def listed(found: Survey) -> list[Coupling]:
    """Couplings between contexts, and between the apps of one."""
    return list(chain.from_iterable([*found.pairs.values(), *found.within.values()]))


def idle(found: Survey) -> list[str]:
    """Apps with no coupling to another."""
    busy = {app for each in found.couplings for app in (each.source, each.target)}
    return sorted(found.contexts.keys() - busy - {SHELL})
