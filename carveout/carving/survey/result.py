"""Holds what a survey found: couplings by pair of contexts, and those listed separately."""

from collections.abc import Iterable
from functools import cached_property

import msgspec

from carveout.carving.survey.coupling import EVERY, Coupling
from carveout.carving.survey.dangers.danger import Danger
from carveout.carving.survey.project import SHELL
from carveout.carving.survey.unread import Gap, missing

Pair = tuple[str, str]


class Survey(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The survey's result. `contexts` is by app; an app in no context is its own context."""

    contexts: dict[str, str]
    declared: list[str]
    """Names of contexts; empty if every app is one."""
    kernels: list[str]
    """Apps that most others need and that need no others, or hardly any."""
    but_for: dict[str, list[Coupling]] = {}
    """By kernel: the few couplings that keep it from being one."""
    vendored: list[str] = []
    """Apps that are third-party code inside the project."""
    tests: list[str] = []
    """Apps of tests. They are not contexts, and only tests need their couplings."""
    third_party: list[str]
    modules: int
    packages: dict[str, str] = {}
    """By label of a first-party app: its package, as it is imported."""
    sizes: dict[str, int] = {}
    """How many modules each app has."""
    unread: list[Gap] = []
    """What could not be read, or only in part: what it holds is missing here."""
    tried: dict[str, int] = {}
    """How many things of each kind were read or tried, those in `unread` included."""
    couplings: list[Coupling]
    dangers: list[Danger]

    @property
    def missing(self) -> str:
        """How much could not be read, in a few words; empty if everything was read."""
        return missing(self.unread, self.tried)

    def pair(self, coupling: Coupling) -> Pair:
        return self.context(coupling.source), self.context(coupling.target)

    def context(self, app: str) -> str:
        return self.contexts.get(app, app)

    @cached_property
    def pairs(self) -> dict[Pair, list[Coupling]]:
        """Couplings that run by pair of contexts, the largest pair first.

        Those in `apart` are left out.
        """
        return self._ranked(each for each in self._between if not each.in_tests)

    @cached_property
    def in_tests(self) -> dict[Pair, list[Coupling]]:
        """Couplings that only tests need, also of pairs that are not in `pairs`."""
        return self._ranked(each for each in self._between if each.in_tests)

    @cached_property
    def all_pairs(self) -> dict[Pair, list[Coupling]]:
        """`pairs` and `in_tests` together: couplings that run rank the pairs, and come first."""
        return {
            pair: [*self.pairs.get(pair, ()), *self.in_tests.get(pair, ())]
            for pair in {**self.pairs, **self.in_tests}
        }

    @cached_property
    def between(self) -> dict[Pair, list[Coupling]]:
        """Pairs with contexts at both ends; if none are declared, every app is one."""
        return {pair: each for pair, each in self.pairs.items() if self._are_contexts(pair)}

    @cached_property
    def beyond(self) -> dict[Pair, list[Coupling]]:
        """Pairs with an app that is in no context, although contexts are declared."""
        return {pair: each for pair, each in self.pairs.items() if not self._are_contexts(pair)}

    @cached_property
    def apart(self) -> dict[Pair, list[Coupling]]:
        """Couplings with kernels, with third-party, vendored and test apps, and with the project's
        own shell."""
        return self._ranked(each for each in self.couplings if self._is_apart(each))

    @cached_property
    def within(self) -> dict[str, list[Coupling]]:
        """Couplings between the apps of one context, by context."""
        found: dict[str, list[Coupling]] = {}
        for each in self.couplings:
            source, target = self.pair(each)
            if source == target and each.source != each.target and not self._is_apart(each):
                found.setdefault(source, []).append(each)
        return found

    def _are_contexts(self, pair: Pair) -> bool:
        return not self.declared or {*pair} <= {*self.declared, EVERY}

    def _is_apart(self, coupling: Coupling) -> bool:
        return not self._aside.isdisjoint((coupling.source, coupling.target))

    @cached_property
    def _aside(self) -> set[str]:
        return {SHELL, *self.kernels, *self.vendored, *self.tests, *self.third_party}

    @property
    def _between(self) -> list[Coupling]:
        return [each for each in self.couplings if not self._is_apart(each)]

    def _ranked(self, couplings: Iterable[Coupling]) -> dict[Pair, list[Coupling]]:
        pairs: dict[Pair, list[Coupling]] = {}
        for each in couplings:
            source, target = self.pair(each)
            if source != target:
                pairs.setdefault((source, target), []).append(each)
        return dict(sorted(pairs.items(), key=_rank))


def is_app(label: str) -> bool:
    """Not a module that a context takes from an app: modules have dots, labels have none."""
    return "." not in label


def running(couplings: Iterable[Coupling]) -> list[Coupling]:
    """The couplings without those that only tests need."""
    return [each for each in couplings if not each.in_tests]


def _rank(item: tuple[Pair, list[Coupling]]) -> tuple[int, int, Pair]:
    """Ranks by couplings that run first, then by those that only tests need."""
    pair, couplings = item
    return -len(running(couplings)), -len(couplings), pair
