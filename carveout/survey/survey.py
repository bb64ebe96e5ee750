"""The survey: all kinds run, each coupling once, in order."""

import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

import msgspec
from django.conf import settings as django_settings

from carveout.survey.coupling import EVERY, Coupling
from carveout.survey.dangers.cycles import marked
from carveout.survey.dangers.danger import Danger
from carveout.survey.dangers.dangers import dangers
from carveout.survey.facts import FOR_TYPES
from carveout.survey.kernel import kernels
from carveout.survey.kinds import urls as url_names
from carveout.survey.kinds.bindings import bindings
from carveout.survey.kinds.commands import commands
from carveout.survey.kinds.configs import configs
from carveout.survey.kinds.contenttypes import contenttypes
from carveout.survey.kinds.declared import declared, same_tables
from carveout.survey.kinds.fixtures import fixtures
from carveout.survey.kinds.forks import forks, lent
from carveout.survey.kinds.imports import imports
from carveout.survey.kinds.inlines import inlines
from carveout.survey.kinds.jobs import jobs
from carveout.survey.kinds.migrations import kept_elsewhere, migrations
from carveout.survey.kinds.pages import pages
from carveout.survey.kinds.permissions import permissions
from carveout.survey.kinds.queries import queries
from carveout.survey.kinds.receivers import receivers
from carveout.survey.kinds.relations import relations
from carveout.survey.kinds.rendered import overrides, rendered
from carveout.survey.kinds.sends import sends
from carveout.survey.kinds.sql import sql
from carveout.survey.kinds.strings import strings
from carveout.survey.kinds.templates import Templates, templates
from carveout.survey.kinds.urls import urls
from carveout.survey.models import Models
from carveout.survey.project import SHELL, Project
from carveout.survey.rows import Rows
from carveout.survey.sources import Sources

Pair = tuple[str, str]
Found = TypeVar("Found")


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
        ends = {coupling.source, coupling.target}
        aside = {SHELL, *self.kernels, *self.third_party}
        return bool(ends & aside)

    def _ranked(self, couplings: Iterable[Coupling]) -> dict[Pair, list[Coupling]]:
        pairs: dict[Pair, list[Coupling]] = {}
        for each in couplings:
            source, target = self.pair(each)
            if source != target:
                pairs.setdefault((source, target), []).append(each)
        return dict(sorted(pairs.items(), key=lambda item: (-len(item[1]), item[0])))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nothing here is garbage that refers to itself, and to look for it in all that a project has
    loaded takes longer than to read its files."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_no_collection()
def survey(project: Project) -> Survey:
    """Read the project's files and what Django has loaded of it."""
    found = _survey(project, Sources(project))
    project.cache.save()
    return found


def _survey(project: Project, sources: Sources) -> Survey:
    names = _names(project, sources)  # first: it loads models and receivers that only pages need
    models = Models(project)
    certain = _all_of(
        sources,
        imports=imports(sources),
        relations=relations(sources, models),
        strings=strings(sources, models),
        receivers=receivers(sources, models),
    )
    rows = Rows(sources, models, {(each.source, each.target) for each in certain})
    further = [*_of_pages(sources, models, rows, names), *_of_rows(sources, models, rows)]
    further += _of_names(sources, models)
    couplings = sorted(_once([*certain, *further]), key=_order)
    return Survey(
        contexts={label: project.context_of(label) for label in [*project.own, SHELL]},
        declared=sorted({*project.contexts.values()}),
        kernels=kernels(project, couplings),
        third_party=sorted(
            {each.target for each in couplings if not project.is_own(each.target)} - {EVERY}
        ),
        modules=len(sources.by_module),
        sizes=dict(sorted(Counter(each.app for each in sources).items())),
        unread=sources.unread,
        couplings=couplings,
        dangers=_all_of(sources, dangers=dangers(sources, rows, couplings)),
    )


def _names(project: Project, sources: Sources) -> url_names.Names:
    """None if the URLs can't be loaded; that is told, and the rest is surveyed."""
    try:
        return url_names.owners(project)
    except Exception as error:  # whatever the project's own modules raise
        sources.unread.append(f"{django_settings.ROOT_URLCONF}: {error}")
        return {}


def _of_pages(
    sources: Sources, models: Models, rows: Rows, names: url_names.Names
) -> list[Coupling]:
    found = Templates(sources.project)
    return _all_of(
        sources,
        admin=inlines(sources, models),
        bindings=bindings(sources, models),
        pages=pages(sources, names),
        urls=urls(sources, names),
        templates=templates(found, names, models, rows),
        rendered=rendered(sources, found),
        overrides=overrides(found),
    )


def _of_rows(sources: Sources, models: Models, rows: Rows) -> list[Coupling]:
    return _all_of(
        sources,
        sql=sql(sources, models),
        queries=queries(sources, models, rows),
        declared=declared(sources, models),
        tables=same_tables(sources, models),
        migrations=marked(migrations(sources)),
        kept_elsewhere=kept_elsewhere(sources),
        forks=forks(sources),
        lent=lent(sources, models),
    )


def _of_names(sources: Sources, models: Models) -> list[Coupling]:
    """What code and data name in other ways than by import."""
    return _all_of(
        sources,
        signals=sends(sources, models),
        jobs=jobs(sources),
        commands=commands(sources),
        configs=configs(sources),
        permissions=permissions(sources, models),
        content_types=contenttypes(sources, models),
        fixtures=fixtures(sources.project, models),
    )


def _all_of(sources: Sources, **kinds: Iterator[Found]) -> list[Found]:
    """Of each kind what is found until something odd ends it, which is told."""
    found: list[Found] = []
    for kind, couplings in kinds.items():
        try:
            found.extend(couplings)
        except Exception as error:  # whatever the classes that Django has loaded raise
            sources.unread.append(f"not all {kind}: {error!r}")
    return found


def _once(couplings: Iterable[Coupling]) -> Iterator[Coupling]:
    """Of each coupling the first place that needs it at run time, and the greater certainty."""
    found: dict[str, Coupling] = {}
    for each in couplings:
        known = found.get(each.identity, each)
        first = min(known, each, key=_preferred)
        found[each.identity] = msgspec.structs.replace(first, details=_both(known, each))
    yield from found.values()


def _preferred(each: Coupling) -> tuple[bool, bool, str, int]:
    return not each.sure, each.form == FOR_TYPES, each.file, each.line


def _both(one: Coupling, other: Coupling) -> dict[str, Any]:
    """The details of the first; what is listed is listed of both."""
    lists = {name: value for name, value in other.details.items() if isinstance(value, list)}
    more = {name: sorted({*one.details.get(name, []), *value}) for name, value in lists.items()}
    return {**one.details, **more}


def _order(each: Coupling) -> tuple[str, ...]:
    return each.source, each.target, each.kind, each.file, f"{each.line:06}", each.target_symbol
