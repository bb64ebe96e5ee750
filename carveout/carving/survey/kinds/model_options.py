"""Finds model options that reach other apps: orderings, limits, natural keys, tables."""

from collections.abc import Iterator
from typing import Any

from django.db.models import F, Model, Q
from django.db.models.expressions import OrderBy

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.model_fields import Field, around
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.sources import Sources


def declared(sources: Sources, models: Models) -> Iterator[Coupling]:
    yield from models.each(lambda model: _ordering(model, sources, models))
    yield from models.each(lambda model: _natural_key(model, sources, models))
    for model in models.own():
        for field in models.fields(model):
            with around(field.name, model, sources.project.gaps):
                yield from _limits(field, model, sources, models)


def same_tables(sources: Sources, models: Models) -> Iterator[Coupling]:
    """Unmanaged models that read and write the table of another app's model."""
    yield from models.each(lambda model: _same_table(model, sources, models))


def _ordering(model: type[Model], sources: Sources, models: Models) -> Iterator[Coupling]:
    for path in map(_path, model._meta.ordering or ()):
        for reached in models.path(model, path):
            yield from _coupling(model, "Meta.ordering", reached, "lookup", sources)


def _natural_key(model: type[Model], sources: Sources, models: Models) -> Iterator[Coupling]:
    natural_key = getattr(model, "natural_key", None)
    dependencies = getattr(natural_key, "dependencies", ())
    for label in dependencies if isinstance(dependencies, list | tuple) else ():
        other = models.by_label.get(str(label).lower())
        if other:
            yield from _coupling(model, "natural_key.dependencies", other, "", sources)


def _limits(
    field: Field, model: type[Model], sources: Sources, models: Models
) -> Iterator[Coupling]:
    if field.target is None:
        return
    limits = getattr(getattr(field.itself, "remote_field", None), "limit_choices_to", None)
    for path in _keys(limits):
        for reached in models.path(field.target, path):
            yield from _coupling(model, field.name, reached, "lookup", sources)


def _same_table(model: type[Model], sources: Sources, models: Models) -> Iterator[Coupling]:
    meta = model._meta
    other = models.by_table.get(meta.db_table.lower())
    if other and other is not model and not meta.managed and not meta.proxy:
        yield from _coupling(model, "Meta.db_table", other, "table", sources)


def _path(ordering: Any) -> str:
    """The field that one entry of an ordering sorts by; empty if it is not a field."""
    if isinstance(ordering, OrderBy):
        ordering = ordering.expression
    if isinstance(ordering, F):
        ordering = getattr(ordering, "name", None)
    return ordering.lstrip("-") if isinstance(ordering, str) else ""


def _keys(limits: Any) -> Iterator[str]:
    """The lookups in a dict, or in Q objects."""
    if isinstance(limits, dict):
        yield from limits
    elif isinstance(limits, Q):
        for child in limits.children:
            if isinstance(child, tuple):
                yield child[0]
            else:
                yield from _keys(child)


def _coupling(
    model: type[Model], name: str, reached: type[Model], form: str, sources: Sources
) -> Iterator[Coupling]:
    app, target = model._meta.app_label, reached._meta.app_label
    if app == target or not sources.project.is_own(target):
        return
    file, line = _where(model, name, sources)
    yield Coupling(
        kind="query" if form else "string",
        form=form or "natural key",
        source=app,
        source_symbol=f"{model._meta.label}.{name}",
        file=file,
        line=line,
        target=target,
        target_symbol=reached._meta.label,
    )


def _where(model: type[Model], name: str, sources: Sources) -> tuple[str, int]:
    """The line in the class or in a base class; else the line of the class."""
    for owner in model.__mro__:
        file, found = sources.defined(f"{owner.__module__}.{owner.__qualname__}.{name}")
        if found:
            return file, found.line
    file, found = sources.defined(f"{model.__module__}.{model.__qualname__}")
    return file, found.line if found else 0
