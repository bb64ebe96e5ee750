"""Collects the names that the project's code defines now."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from carveout.carving.ratchet.symbol_names import parts
from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.kinds import url_names
from carveout.carving.survey.kinds.templates import Templates
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.project import Project
from carveout.carving.survey.sources import SourceFile, Sources

OF_THE_ADMIN = re.compile(r"^(\w+):\1_\w+_(add|change|changelist|delete|history)$")
"""Pages that each model has; like its permissions, they come and go with the model."""


class Symbols:
    """Reads the code on first use: most checks do not need it."""

    def __init__(self, project: Project, couplings: Iterable[Coupling]) -> None:
        self.project = project
        self._couplings = couplings

    def has(self, symbol: str) -> bool:
        """Whether the symbol exists, or is not one of the project's own."""
        return symbol in self._all or self._is_foreign(symbol)

    def same(self, one: str, other: str) -> bool:
        """Whether two names mean the same thing, which one module imports from another."""
        return self._sources.origin(one) == self._sources.origin(other)

    @cached_property
    def defined(self) -> set[str]:
        """Everything that the project defines, under its own name."""
        found = {name for source in self._sources for name in _of_file(source)}
        for model in self._models.own():
            label = model._meta.label
            found |= {label, *(f"{label}.{each.name}" for each in self._models.fields(model))}
        pages = {page for page in self._pages if not OF_THE_ADMIN.search(page)}
        return found | {*Templates(self.project).by_name} | pages

    @cached_property
    def _all(self) -> set[str]:
        passed_on = {
            f"{source.facts.module}.{name}"
            for source in self._sources
            for name in source.facts.names
        }
        ends = {end for each in self._couplings for end in (each.source_symbol, each.target_symbol)}
        return self.defined | passed_on | ends | {*self._models.permissions} | self._pages

    @cached_property
    def _models(self) -> Models:
        return Models(self.project)

    @cached_property
    def _sources(self) -> Sources:
        return Sources(self.project)

    @cached_property
    def _pages(self) -> set[str]:
        names = url_names.owners(self.project)
        return {url_names.symbol(app, name) for name, apps in names.items() for app in apps}

    def _is_foreign(self, symbol: str) -> bool:
        first = parts(symbol)[0]
        if first in self.project.tops or first in self.project.apps:
            return False
        try:
            spec = find_spec(first)
        except (ImportError, ValueError):
            return False
        places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
        # A folder in the root does not count: git leaves one with untracked files behind.
        return any(each and not self.project.holds(Path(each)) for each in places)


def _of_file(source: SourceFile) -> Iterator[str]:
    module = source.facts.module
    yield module
    if source.migration:
        yield source.symbol("")
        return
    for name in source.facts.definitions:
        yield f"{module}.{name}"
