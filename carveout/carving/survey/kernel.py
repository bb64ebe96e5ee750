"""Finds kernels: apps that most others need and that need no others, such as shared base classes.

A library with a few couplings back, such as one import inside a function, is a kernel except for
these. They are listed, because cutting them makes it a kernel.
"""

from collections.abc import Collection, Iterable, Mapping

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import FOR_TYPES
from carveout.carving.survey.project import Project

SHARE = 0.75
"""The share of the other apps that must need it, whatever they need of it."""
SHARE_OF_A_LIBRARY = 0.5
"""The same for a library, whose code is used but hardly ever its rows."""
APPS_MIN = 3
"""If fewer apps need it, it may just be a context that is used a lot."""
ROWS_MAX = 0.1
"""The share of the couplings with a library that may be about its rows."""
OF_ROWS = {"relation", "query", "binding", "admin"}
BACK_MIN = 4
"""A library has at least this many couplings to it for each coupling back …"""
BACK_MAX = 3
"""… and at most this many couplings back, or BACK_SHARE of those to it."""
BACK_SHARE = 0.05


def kernels(
    project: Project, couplings: Iterable[Coupling], aside: Collection[str] = ()
) -> dict[str, list[Coupling]]:
    """Kernels by label, each with the couplings that keep it from being one: mostly none.

    `aside`: apps that are neither contexts nor kernels. Couplings that only tests need, or that
    were guessed from names, do not count. An app of a declared context is not a kernel.
    """
    apps = [label for label in project.own if label not in aside]
    counted = [each for each in couplings if _counts(each, {*apps})]
    found = _found(project, apps, counted, {})
    return _found(project, apps, counted, found) if found else {}


def _counts(each: Coupling, apps: Collection[str]) -> bool:
    return each.sure and not each.in_tests and each.source in apps and each.target in apps


def _found(
    project: Project,
    apps: list[str],
    couplings: list[Coupling],
    known: Mapping[str, list[Coupling]],
) -> dict[str, list[Coupling]]:
    """`known`: kernels found before; an app that needs only these can still be a kernel."""
    into: dict[str, list[Coupling]] = {label: [] for label in apps}
    back: dict[str, list[Coupling]] = {label: [] for label in apps}
    for each in couplings:
        if each.source != each.target:
            into[each.target].append(each)
            if each.target not in known and not _is_history(each):
                back[each.source].append(each)
    return {
        label: back[label]
        for label in apps
        if label not in project.contexts and _is_kernel(into[label], back[label], len(apps) - 1)
    }


def _is_history(each: Coupling) -> bool:
    return each.in_migrations or each.form == FOR_TYPES


def _is_kernel(into: list[Coupling], back: list[Coupling], others: int) -> bool:
    sources = {each.source for each in into if each.kind in ("import", "relation")}
    rows = sum(each.kind in OF_ROWS for each in into)
    is_library = rows <= ROWS_MAX * len(into)
    share = SHARE_OF_A_LIBRARY if is_library else SHARE
    if len(sources) < max(APPS_MIN, share * others):
        return False
    few = len(back) <= max(BACK_MAX, BACK_SHARE * len(into))
    return not back or (is_library and few and BACK_MIN * len(back) <= len(into))
