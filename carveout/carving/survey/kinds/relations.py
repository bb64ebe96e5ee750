"""Finds relations between models of two apps, in Django's registry."""

from collections.abc import Iterator
from typing import Any

from django.db.models import ManyToManyField, Model, OneToOneField

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.model_fields import Field, around, is_model
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.sources import Sources

KIND = "relation"


def relations(sources: Sources, models: Models) -> Iterator[Coupling]:
    for model in models.own():
        for field in models.fields(model):
            with around(field.name, model, sources.project.gaps):
                yield from _of_field(model, field, sources, models)
    yield from models.each(lambda model: _proxy(model, sources, models))


def _proxy(model: type[Model], sources: Sources, models: Models) -> Iterator[Coupling]:
    meta = model._meta
    if meta.proxy and meta.concrete_model:
        yield from _coupling(model, "", meta.concrete_model, "proxy", sources, models, {})


def _of_field(
    model: type[Model], field: Field, sources: Sources, models: Models
) -> Iterator[Coupling]:
    if field.target is None or _is(field.itself, "GenericForeignKey"):
        return  # its content_type is a foreign key, and found as one
    form, details = _form(field.itself), _details(field.itself)
    yield from _coupling(model, field.name, field.target, form, sources, models, details)
    through = getattr(getattr(field.itself, "remote_field", None), "through", None)
    if is_model(through) and not through._meta.auto_created and through is not field.target:
        yield from _coupling(model, field.name, through, "through", sources, models, {})


def _coupling(
    model: type[Model],
    name: str,
    target: type[Model],
    form: str,
    sources: Sources,
    models: Models,
    details: dict[str, Any],
) -> Iterator[Coupling]:
    if model._meta.app_label == target._meta.app_label:
        return
    file, line = _where(model, name, sources, models)
    target_as_written = _as_written(model, name, sources)
    if target_as_written:
        details = {**details, "written": _written(target_as_written)}
    yield Coupling(
        kind=KIND,
        form=form,
        source=model._meta.app_label,
        source_symbol=f"{model._meta.label}.{name}".rstrip("."),
        file=file,
        line=line,
        target=target._meta.app_label,
        target_symbol=target._meta.label,
        details=details,
    )


def _is(field: Any, name: str) -> bool:
    """Checks by name, because a project without contenttypes can't import these classes."""
    return any(kind.__name__ == name for kind in type(field).__mro__)


def _form(field: Any) -> str:
    if _is(field, "GenericRelation"):
        return "generic relation"
    if isinstance(field, ManyToManyField):
        return "many-to-many"
    if getattr(getattr(field, "remote_field", None), "parent_link", False):
        return "parent link"
    return "one-to-one" if isinstance(field, OneToOneField) else "foreign key"


def _details(field: Any) -> dict[str, Any]:
    details: dict[str, Any] = {}
    on_delete = getattr(getattr(field, "remote_field", None), "on_delete", None)
    if on_delete is not None and not _is(field, "GenericRelation"):
        details["on_delete"] = getattr(on_delete, "__name__", "SET")
    if hasattr(field, "db_constraint"):
        details["db_constraint"] = field.db_constraint
    if getattr(field, "mti_inherited", False):
        details["inherited"] = True  # also applies when a row of the child is deleted
    if getattr(field, "swappable_setting", None):
        details["swappable"] = field.swappable_setting
    return details


def _written(target: str) -> str:
    if ".AUTH_" in target or target.startswith("=settings."):
        return "setting"
    return "class" if target.startswith("=") else "string"


def _as_written(model: type[Model], name: str, sources: Sources) -> str:
    """The field's target as written in code, also in a third-party base class."""
    for owner in model.__mro__ if name else ():
        found = sources.outside(owner.__module__).definitions.get(f"{owner.__qualname__}.{name}")
        if found:
            return found.target
    return ""


def _where(model: type[Model], name: str, sources: Sources, models: Models) -> tuple[str, int]:
    """The location of the field in the class or a base class; else of the class or its holder."""
    owners = model.__mro__ if name else ()
    candidates = [f"{each.__module__}.{each.__qualname__}.{name}" for each in owners]
    candidates += [f"{model.__module__}.{model.__qualname__}", models.holders.get(model, "")]
    for candidate in candidates:
        file, found = sources.defined(candidate)
        if found:
            return file, found.line
    return _taken_over(model, sources) or sources.first_line(model._meta.app_label)


def _taken_over(model: type[Model], sources: Sources) -> tuple[str, int] | None:
    """Where an app that replaces a third-party app imports this model from it."""
    app = sources.project.apps.get(model._meta.app_label)
    source = sources.by_module.get(f"{app.module}.models") if app else None
    for each in source.facts.imports if source else ():
        if source and each.module == model.__module__:
            return source.file, each.line
    return None
