"""Relations between models of two apps, from Django's registry."""

from collections.abc import Iterator
from typing import Any

from django.db.models import ManyToManyField, Model, OneToOneField

from carveout.survey.coupling import Coupling
from carveout.survey.models import Models
from carveout.survey.sources import Sources

KIND = "relation"


def relations(sources: Sources, models: Models) -> Iterator[Coupling]:
    for model in models.own():
        meta = model._meta
        for field in [*meta.local_fields, *meta.local_many_to_many, *meta.private_fields]:
            yield from _of_field(model, field, sources, models)
        if meta.proxy and meta.concrete_model:
            yield from _coupling(model, "", meta.concrete_model, "proxy", sources, models, {})


def _of_field(
    model: type[Model], field: Any, sources: Sources, models: Models
) -> Iterator[Coupling]:
    if _is(field, "GenericForeignKey"):
        return  # its content_type is a foreign key, and told as such
    target = field.related_model
    if not field.is_relation or not isinstance(target, type):
        return
    form, details = _form(field), _details(field)
    yield from _coupling(model, field.name, target, form, sources, models, details)
    through = getattr(field.remote_field, "through", None)
    if through is not None and not through._meta.auto_created and through is not target:
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
    """By name: a project without contenttypes can't import these classes."""
    return any(kind.__name__ == name for kind in type(field).__mro__)


def _form(field: Any) -> str:
    if _is(field, "GenericRelation"):
        return "generic relation"
    if isinstance(field, ManyToManyField):
        return "many-to-many"
    if getattr(field.remote_field, "parent_link", False):
        return "parent link"
    return "one-to-one" if isinstance(field, OneToOneField) else "foreign key"


def _details(field: Any) -> dict[str, Any]:
    details: dict[str, Any] = {}
    on_delete = getattr(field.remote_field, "on_delete", None)
    if on_delete is not None and not _is(field, "GenericRelation"):
        details["on_delete"] = getattr(on_delete, "__name__", "SET")
    if hasattr(field, "db_constraint"):
        details["db_constraint"] = field.db_constraint
    if getattr(field, "mti_inherited", False):
        details["inherited"] = True  # and heeded when a row of the child is deleted
    if getattr(field, "swappable_setting", None):
        details["swappable"] = field.swappable_setting
    return details


def _written(target: str) -> str:
    if ".AUTH_" in target or target.startswith("=settings."):
        return "setting"
    return "class" if target.startswith("=") else "string"


def _as_written(model: type[Model], name: str, sources: Sources) -> str:
    """What the field is given in code, also in that of a third-party class it comes from."""
    for owner in model.__mro__ if name else ():
        found = sources.outside(owner.__module__).definitions.get(f"{owner.__qualname__}.{name}")
        if found:
            return found.target
    return ""


def _where(model: type[Model], name: str, sources: Sources, models: Models) -> tuple[str, int]:
    """The field in the class, or in what it inherits from; else the class; else what holds it."""
    owners = model.__mro__ if name else ()
    candidates = [f"{each.__module__}.{each.__qualname__}.{name}" for each in owners]
    candidates += [f"{model.__module__}.{model.__qualname__}", models.holders.get(model, "")]
    for candidate in candidates:
        file, found = sources.defined(candidate)
        if found:
            return file, found.line
    return _taken_over(model, sources) or sources.first_line(model._meta.app_label)


def _taken_over(model: type[Model], sources: Sources) -> tuple[str, int] | None:
    """Where an app that stands in for a third-party one takes over this model of it."""
    app = sources.project.apps.get(model._meta.app_label)
    source = sources.by_module.get(f"{app.module}.models") if app else None
    for each in source.facts.imports if source else ():
        if source and each.module == model.__module__:
            return source.file, each.line
    return None
