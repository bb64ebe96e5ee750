"""What is present: the entries of the couplings that the survey finds now."""

from collections.abc import Iterable

from carveout.ratchet.entry import Entry, entries
from carveout.survey.coupling import EVERY, Coupling
from carveout.survey.found import Survey
from carveout.survey.project import SHELL

Present = dict[Entry, Coupling]


def present(found: Survey, kernels: Iterable[str]) -> Present:
    """Those between two contexts. What only tests need is left out.

    `kernels` are the baseline's: who needs one is not coupled, but what one needs is. Were they
    the survey's, one coupling more or less could make a kernel, and so hide or show hundreds.
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
