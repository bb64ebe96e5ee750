"""What a survey found: couplings by pair of contexts, and what stands apart."""

from collections.abc import Iterable
from functools import cached_property

import msgspec

from carveout.survey.coupling import EVERY, Coupling
from carveout.survey.dangers.danger import Danger
from carveout.survey.project import SHELL

Pair = tuple[str, str]


class Survey(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What was found. `contexts` is by app; an app that is in none is its own."""

    contexts: dict[str, str]
    declared: list[str]
    """Names of contexts; none if every app is one."""
    kernels: list[str]
    """Apps that nearly all others import and that import none."""
    third_party: list[str]
    modules: int
    sizes: dict[str, int] = {}
    """How many modules each app has."""
    unread: list[str]
    """Files that are no Python of this version, URLs that could not be loaded, and kinds of which
    something was too odd to be read to the end."""
    couplings: list[Coupling]
    dangers: list[Danger]

    def pair(self, coupling: Coupling) -> Pair:
        return self.context(coupling.source), self.context(coupling.target)

    def context(self, app: str) -> str:
        return self.contexts.get(app, app)

    @cached_property
    def pairs(self) -> dict[Pair, list[Coupling]]:
        """Couplings by context, those with most first. Kernels and the shell are apart."""
        return self._ranked(each for each in self.couplings if not self._is_apart(each))

    @cached_property
    def between(self) -> dict[Pair, list[Coupling]]:
        """Only those whose both ends are contexts; without declared ones every app is one."""
        return {pair: each for pair, each in self.pairs.items() if self._are_contexts(pair)}

    @cached_property
    def beyond(self) -> dict[Pair, list[Coupling]]:
        """Those with apps that are in no context, while others are."""
        return {pair: each for pair, each in self.pairs.items() if not self._are_contexts(pair)}

    @cached_property
    def apart(self) -> dict[Pair, list[Coupling]]:
        """Couplings with a kernel, with third-party apps, and with the project's own shell."""
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
        return {SHELL, *self.kernels, *self.third_party}

    def _ranked(self, couplings: Iterable[Coupling]) -> dict[Pair, list[Coupling]]:
        pairs: dict[Pair, list[Coupling]] = {}
        for each in couplings:
            source, target = self.pair(each)
            if source != target:
                pairs.setdefault((source, target), []).append(each)
        return dict(sorted(pairs.items(), key=lambda item: (-len(item[1]), item[0])))
