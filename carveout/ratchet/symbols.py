"""Symbols: what the project's code has by name now."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from django.db.models import Model

from carveout.ratchet.names import parts
from carveout.survey.coupling import Coupling
from carveout.survey.kinds import urls
from carveout.survey.kinds.templates import Templates
from carveout.survey.models import Models
from carveout.survey.project import Project
from carveout.survey.sources import Source, Sources

OF_THE_ADMIN = re.compile(r"^(\w+):\1_\w+_(add|change|changelist|delete|history)$")
"""Pages that each model has; like its permissions they come and go with it."""


class Symbols:
    """Reads the code when first asked: most checks find nothing to ask about."""

    def __init__(self, project: Project, couplings: Iterable[Coupling]) -> None:
        self.project = project
        self._couplings = couplings

    def has(self, symbol: str) -> bool:
        """Is there such a one, or is it none of the project's own?"""
        return symbol in self._all or self._is_foreign(symbol)

    def same(self, one: str, other: str) -> bool:
        """Do two names stand for one thing, which a module passes on?"""
        return self._sources.origin(one) == self._sources.origin(other)

    @cached_property
    def defined(self) -> set[str]:
        """What somebody wrote, under its own name."""
        found = {name for source in self._sources for name in _of_file(source)}
        for model in self._models.own():
            label = model._meta.label
            found |= {label, *(f"{label}.{name}" for name in _fields(model))}
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
        try:
            names = urls.owners(self.project)
        except Exception:  # whatever the project's own modules raise; the survey tells it
            return set()
        return {urls.symbol(app, name) for name, apps in names.items() for app in apps}

    def _is_foreign(self, symbol: str) -> bool:
        first = parts(symbol)[0]
        if first in self.project.tops or first in self.project.apps:
            return False
        try:
            spec = find_spec(first)
        except (ImportError, ValueError):
            return False
        places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
        # In the root: where a package was, git leaves a folder with what it does not track.
        return any(each and not self.project.holds(Path(each)) for each in places)


def _fields(model: type[Model]) -> Iterator[str]:
    meta = model._meta
    for field in [*meta.local_fields, *meta.local_many_to_many, *meta.private_fields]:
        yield str(field.name)


def _of_file(source: Source) -> Iterator[str]:
    module = source.facts.module
    yield module
    if source.migration:
        yield source.symbol("")
        return
    for name in source.facts.definitions:
        yield f"{module}.{name}"
