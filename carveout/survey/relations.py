"""Relations between models of two apps, from Django's registry."""

from collections.abc import Iterator
from typing import Any

from django.db.models import ManyToManyField, Model, OneToOneField

from carveout.survey.coupling import Coupling
from carveout.survey.facts import Definition
from carveout.survey.models import Models
from carveout.survey.sources import Sources

KIND = "relation"


def relations(sources: Sources, models: Models) -> Iterator[Coupling]:
    for model in models.own():
        meta = model._meta
        for field in [*meta.local_fields, *meta.local_many_to_many, *meta.private_fields]:
            yield from _of_field(model, field, sources)
        if meta.proxy and meta.concrete_model:
            yield from _coupling(model, "", meta.concrete_model, "proxy", sources, {})


def _of_field(model: type[Model], field: Any, sources: Sources) -> Iterator[Coupling]:
    if _is(field, "GenericForeignKey"):
        return  # its content_type is a foreign key, and told as such
    if any(field.name in _names(parent) for parent in model._meta.parents):
        return  # a generic relation, which every child is given too
    target = field.related_model
    if not field.is_relation or not isinstance(target, type):
        return
    yield from _coupling(model, field.name, target, _form(field), sources, _details(field))
    through = getattr(field.remote_field, "through", None)
    if through is not None and not through._meta.auto_created and through is not target:
        yield from _coupling(model, field.name, through, "through", sources, {})


def _coupling(
    model: type[Model],
    name: str,
    target: type[Model],
    form: str,
    sources: Sources,
    details: dict[str, Any],
) -> Iterator[Coupling]:
    if model._meta.app_label == target._meta.app_label:
        return
    file, definition = _where(model, name, sources)
    target_as_written = _as_written(model, name, sources)
    if target_as_written:
        details = {**details, "written": _written(target_as_written)}
    yield Coupling(
        kind=KIND,
        form=form,
        source=model._meta.app_label,
        source_symbol=f"{model._meta.label}.{name}".rstrip("."),
        file=file,
        line=definition.line if definition else 0,
        target=target._meta.app_label,
        target_symbol=target._meta.label,
        details=details,
    )


def _names(model: type[Model]) -> set[str]:
    return {field.name for field in model._meta.private_fields}


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


def _where(model: type[Model], name: str, sources: Sources) -> tuple[str, Definition | None]:
    """The field in the class, or in what it inherits from; else the class; else its import."""
    for owner in model.__mro__ if name else ():
        file, found = sources.defined(f"{owner.__module__}.{owner.__qualname__}.{name}")
        if found:
            return file, found
    file, found = sources.defined(f"{model.__module__}.{model.__qualname__}")
    return (file, Definition(found.line)) if found else _taken_over(model, sources)


def _taken_over(model: type[Model], sources: Sources) -> tuple[str, Definition | None]:
    """Where an app that stands in for a third-party one takes over this model of it."""
    app = sources.project.apps.get(model._meta.app_label)
    source = sources.by_module.get(f"{app.module}.models") if app else None
    for each in source.facts.imports if source else ():
        if source and each.module == model.__module__:
            return source.file, Definition(each.line)
    return "", None
