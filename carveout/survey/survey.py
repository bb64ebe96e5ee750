"""The survey: all kinds run, each coupling once, in order."""

import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from django.conf import settings as django_settings

from carveout.survey.coupling import EVERY, Coupling
from carveout.survey.dangers.cycles import marked
from carveout.survey.dangers.dangers import dangers
from carveout.survey.facts import FOR_TYPES
from carveout.survey.found import Survey
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

Found = TypeVar("Found")


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
