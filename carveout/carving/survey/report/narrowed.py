"""Narrows a survey to some kinds and contexts of couplings, with or without tests."""

import msgspec

from carveout.carving.survey.coupling import EVERY, Coupling
from carveout.carving.survey.result import Survey
from carveout.conf.validation import unknown
from carveout.errors import SettingsInvalid

DANGER = "danger"


class Narrowing(msgspec.Struct, frozen=True):
    """What to show. An empty field, or None, leaves nothing out."""

    kinds: frozenset[str] = frozenset()
    contexts: frozenset[str] = frozenset()
    """Contexts, or apps by label: couplings from them or to them."""
    tests: bool | None = None
    """True: only what tests need. False: everything else."""

    def __str__(self) -> str:
        """For example `kind import or url, context orders, without tests`."""
        kinds = f"kind {' or '.join(sorted(self.kinds))}" if self.kinds else ""
        contexts = f"context {' or '.join(sorted(self.contexts))}" if self.contexts else ""
        tests = {None: "", True: "in tests", False: "without tests"}[self.tests]
        return ", ".join(filter(None, (kinds, contexts, tests)))


def narrowed(found: Survey, part: Narrowing) -> Survey:
    """The survey with the requested part only.

    Raises: SettingsInvalid: there is no such context or app.
    """
    apart = [*found.third_party, *found.tests, *found.vendored]
    names = {*found.contexts, *found.contexts.values(), *apart} - {EVERY}
    for name in sorted(part.contexts - names):
        raise SettingsInvalid(f"--context: {unknown(name, sorted(names), 'context or app')}")
    return msgspec.structs.replace(
        found,
        couplings=[each for each in found.couplings if _is_asked_for(each, found, part)],
        dangers=[
            each
            for each in found.dangers
            if _is_kind(DANGER, part)
            and _is_context({each.app, found.context(each.app)}, part)
            and not part.tests
        ],
    )


def _is_asked_for(each: Coupling, found: Survey, part: Narrowing) -> bool:
    ends = {each.source, each.target, *found.pair(each)}
    of_tests = part.tests is None or each.in_tests == part.tests
    return of_tests and _is_kind(each.kind, part) and _is_context(ends, part)


def _is_kind(kind: str, part: Narrowing) -> bool:
    return not part.kinds or kind in part.kinds


def _is_context(names: set[str], part: Narrowing) -> bool:
    return not part.contexts or not part.contexts.isdisjoint(names)
