"""Kernels: apps that nearly all others need and that need none, such as shared base classes."""

from collections.abc import Iterable

from carveout.survey.coupling import Coupling
from carveout.survey.project import SHELL, Project

SHARE = 0.75
"""Of the other apps that have to need it."""
APPS_MIN = 3
"""With fewer that need it, it may as well be a context that is used a lot."""


def kernels(project: Project, couplings: Iterable[Coupling]) -> list[str]:
    """Labels; what tests need does not count. An app of a declared context is none."""
    needed_by: dict[str, set[str]] = {}
    needs: dict[str, set[str]] = {}
    for each in couplings:
        if not each.sure or each.in_tests or SHELL in (each.source, each.target):
            continue
        if project.is_own(each.target):
            needs.setdefault(each.source, set()).add(each.target)
        if each.kind in ("import", "relation") and each.target not in project.contexts:
            needed_by.setdefault(each.target, set()).add(each.source)
    others = len(project.own) - 1
    return [
        label
        for label in project.own
        if not needs.get(label) and len(needed_by.get(label, ())) >= max(APPS_MIN, SHARE * others)
    ]
