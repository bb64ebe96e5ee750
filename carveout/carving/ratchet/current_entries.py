"""Lists the entries of the couplings that the survey finds now."""

from collections.abc import Iterable

from carveout.carving.ratchet.entry import Entry, entries
from carveout.carving.survey.coupling import EVERY, Coupling
from carveout.carving.survey.project import SHELL
from carveout.carving.survey.result import Survey

Present = dict[Entry, Coupling]


def present(found: Survey, kernels: Iterable[str]) -> Present:
    """Entries between two contexts. What only tests need is left out.

    `kernels` are the baseline's: an app that needs a kernel is not coupled to it, but a kernel is
    coupled to what it needs. With the survey's kernels, one coupling more or less could make or
    end a kernel, and so hide or show hundreds of couplings.
    """
    contexts = _contexts(found)
    listed: Present = {}
    for each in found.couplings:
        source, target = found.pair(each)
        between = source != target and {source, target} <= contexts
        if between and each.target not in kernels and not each.in_tests:
            for entry in entries(each):
                known = listed.get(entry, each)
                listed[entry] = max(known, each, key=lambda one: one.sure)
    return listed


def _contexts(found: Survey) -> set[str]:
    if found.declared:
        return {*found.declared, EVERY}
    return {EVERY, *found.contexts.values()} - {SHELL}
