"""Runs the survey: finds couplings of all kinds, and lists each once, in order."""

import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from carveout.carving.survey.coupling import EVERY, Coupling
from carveout.carving.survey.dangers.migration_cycles import marked
from carveout.carving.survey.dangers.run import dangers
from carveout.carving.survey.facts import FOR_TYPES
from carveout.carving.survey.kernel import kernels
from carveout.carving.survey.kinds import url_names
from carveout.carving.survey.kinds.admin_classes import inlines
from carveout.carving.survey.kinds.app_configs import configs
from carveout.carving.survey.kinds.app_forks import forks, lent
from carveout.carving.survey.kinds.commands import commands
from carveout.carving.survey.kinds.content_types import contenttypes
from carveout.carving.survey.kinds.dotted_paths import strings
from carveout.carving.survey.kinds.fixtures import fixtures
from carveout.carving.survey.kinds.imports import imports
from carveout.carving.survey.kinds.migrations import kept_elsewhere, migrations
from carveout.carving.survey.kinds.model_bindings import bindings
from carveout.carving.survey.kinds.model_options import declared, same_tables
from carveout.carving.survey.kinds.permissions import permissions
from carveout.carving.survey.kinds.queries import queries
from carveout.carving.survey.kinds.raw_sql import sql
from carveout.carving.survey.kinds.relations import relations
from carveout.carving.survey.kinds.signal_receivers import receivers
from carveout.carving.survey.kinds.signal_sends import sends
from carveout.carving.survey.kinds.tasks import jobs
from carveout.carving.survey.kinds.template_renders import overrides, rendered
from carveout.carving.survey.kinds.templates import Templates, templates
from carveout.carving.survey.kinds.url_names import urls
from carveout.carving.survey.kinds.url_references import pages
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.model_inference import Rows
from carveout.carving.survey.project import SHELL, Project
from carveout.carving.survey.result import Survey
from carveout.carving.survey.sources import Sources
from carveout.carving.survey.unread import KIND
from carveout.carving.survey.vendored_packages import vendored

Found = TypeVar("Found")


@contextmanager
def _no_collection() -> Iterator[None]:
    """Turns the garbage collector off. The survey creates no cyclic garbage, and searching all
    that a project has loaded takes longer than reading its files."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_no_collection()
def survey(project: Project) -> Survey:
    """Surveys the project: reads its files, and what Django has loaded of it."""
    found = _survey(project, Sources(project))
    project.cache.save()
    return found


def _survey(project: Project, sources: Sources) -> Survey:
    names = url_names.owners(project)  # first: loads models and receivers that only pages import
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
    couplings = sorted(_once(_judged([*certain, *further], project)), key=_order)
    libraries = vendored(project, couplings)
    aside = {*project.tests, *libraries}
    apps = [label for label in project.own if label not in aside]
    found_kernels = kernels(project, couplings, aside)
    found_dangers = _all_of(sources, dangers=dangers(sources, rows, couplings))
    return Survey(
        contexts={label: project.context_of(label) for label in [*apps, *project.parts, SHELL]},
        tests=project.tests,
        vendored=libraries,
        declared=sorted({*project.contexts.values()}),
        kernels=[*found_kernels],
        but_for={label: back for label, back in found_kernels.items() if back},
        third_party=sorted(
            {each.target for each in couplings if not project.is_own(each.target)} - {EVERY}
        ),
        modules=len(sources.by_module),
        packages={label: project.apps[label].module for label in project.own},
        sizes=dict(sorted(Counter(each.app for each in sources).items())),
        unread=sources.unread,
        tried=project.gaps.counted,
        couplings=couplings,
        dangers=found_dangers,
    )


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
    """Couplings by name, in code and in data, without an import."""
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
    """The findings of all kinds. If a kind raises as a whole, only that kind is left out."""
    gaps = sources.project.gaps
    return list(gaps.each(KIND, kinds, str, lambda kind: kinds[kind]))


def _judged(couplings: Iterable[Coupling], project: Project) -> Iterator[Coupling]:
    """Marks couplings that only tests need: those in files and apps of tests."""
    for each in couplings:
        of_tests = not {each.source, each.target}.isdisjoint(project.tests)
        if of_tests or project.is_of_tests(each.file):
            each = msgspec.structs.replace(each, in_tests=True)
        yield each


def _once(couplings: Iterable[Coupling]) -> Iterator[Coupling]:
    """Each coupling once, at the first place that runs, or else that is certain."""
    found: dict[str, Coupling] = {}
    for each in couplings:
        known = found.get(each.identity, each)
        first = min(known, each, key=_preferred)
        found[each.identity] = msgspec.structs.replace(first, details=_both(known, each))
    yield from found.values()


def _preferred(each: Coupling) -> tuple[bool, bool, bool, str, int]:
    return each.in_tests, not each.sure, each.form == FOR_TYPES, each.file, each.line


def _both(one: Coupling, other: Coupling) -> dict[str, Any]:
    """The details of the first coupling; lists are merged from both."""
    lists = {name: value for name, value in other.details.items() if isinstance(value, list)}
    more = {name: sorted({*one.details.get(name, []), *value}) for name, value in lists.items()}
    return {**one.details, **more}


def _order(each: Coupling) -> tuple[str, ...]:
    return each.source, each.target, each.kind, each.file, f"{each.line:06}", each.target_symbol
