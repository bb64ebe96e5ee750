"""Lists the units that the page shows as rows and boxes: contexts and the apps in them."""

from collections import Counter
from itertools import chain
from typing import NamedTuple

from carveout.carving.survey.coupling import EVERY, Coupling
from carveout.carving.survey.project import SHELL
from carveout.carving.survey.report.matrix_order import ordered
from carveout.carving.survey.result import Survey, running


class Unit(NamedTuple):
    """A context, or an app of a context with several. Its number is its index in the order."""

    number: int
    name: str
    context: int
    """The number of its context; its own number if it is a context."""
    apps: list[str]
    """The apps whose couplings it shows. Empty for a context of several apps, which show theirs."""
    is_declared: bool
    """False: an app in no context, although contexts are declared."""

    @property
    def is_context(self) -> bool:
        return self.number == self.context


def units(found: Survey) -> list[Unit]:
    """Each context followed by its apps, in the order that puts cycles into blocks.

    Units without couplings are left out.
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
    runs = running(couplings)
    by_app = Counter((each.source, each.target) for each in runs)
    by_context = Counter(found.pair(each) for each in runs)
    apps: dict[str, set[str]] = {}
    for each in couplings:
        for app, context in zip((each.source, each.target), found.pair(each), strict=True):
            apps.setdefault(context, set()).add(app)
    order = ordered(apps.keys() - {EVERY}, by_context) + [EVERY] * (EVERY in apps)
    return {context: ordered(apps[context], by_app) for context in order}


def listed(found: Survey) -> list[Coupling]:
    """Couplings between contexts, and between the apps of one."""
    return list(chain.from_iterable([*found.all_pairs.values(), *found.within.values()]))


def idle(found: Survey) -> list[str]:
    """Apps without couplings to another app."""
    busy = {app for each in found.couplings for app in (each.source, each.target)}
    return sorted(found.contexts.keys() - busy - {SHELL})
