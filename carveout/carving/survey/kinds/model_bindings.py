"""Finds forms, serializers, filters and views for another app's model."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Model

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import ALWAYS, Call, Definition, Text
from carveout.carving.survey.kinds.admin_classes import is_admin
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.model_inference import MANAGERS
from carveout.carving.survey.sources import SourceFile, Sources

BOUND_BY = ("Meta.model", "model", "queryset")
LOOKED_UP = {
    *("filterset_fields", "filter_fields", "search_fields", "ordering_fields", "ordering"),
    *("lookup_field", "date_field", "Meta.fields", "Meta.ordering"),
}
BY_LOOKUP = ("field_name",)
WALKED = ("source", "accessor", "attribute", "order_by")
"""Keywords of fields and columns whose values follow attributes of a row."""


def bindings(sources: Sources, models: Models) -> Iterator[Coupling]:
    yield from sources.each(lambda source: _of_source(source, sources, models))


def _of_source(source: SourceFile, sources: Sources, models: Models) -> Iterator[Coupling]:
    bound = {} if source.migration else dict(_bound(source, models))
    for scope, (model, attribute, definition) in bound.items():
        fields = {"kind": "binding", "form": attribute, "target_symbol": model._meta.label}
        yield from _at(source, definition.line, scope, model, sources, **fields)
        yield from _lookups(source, scope, model, sources, models)
    for call in source.facts.calls if bound else ():
        if call.place.scope in bound and call.place.level == ALWAYS:
            yield from _of_field(source, call, bound[call.place.scope][0], sources, models)


def _bound(
    source: SourceFile, models: Models
) -> Iterator[tuple[str, tuple[type[Model], str, Definition]]]:
    """By scope of a class: its model, the attribute that names the model, and where."""
    for scope, definition in source.facts.definitions.items():
        if (
            not definition.bases
            or scope.endswith(".Meta")
            or is_admin(f"{source.facts.module}.{scope}")
        ):
            continue
        for attribute in BOUND_BY:
            named_there = source.facts.definitions.get(f"{scope}.{attribute}")
            value = source.facts.resolve(named_there.value) if named_there else ""
            model = models.named(MANAGERS.split(value)[0]) if value else None
            if named_there and model:
                yield scope, (model, attribute, named_there)
                break


def _lookups(
    source: SourceFile, scope: str, model: type[Model], sources: Sources, models: Models
) -> Iterator[Coupling]:
    for attribute in LOOKED_UP:
        inner, _, name = f"{scope}.{attribute}".rpartition(".")
        text = source.facts.strings.get(f"{inner}:{name}")
        if text is None:
            continue
        for path in text.value.split():
            for reached in models.path(model, path.lstrip("^=@$-")):
                yield from _reached(source, text, scope, "lookup", reached, sources)


def _of_field(
    source: SourceFile, call: Call, model: type[Model], sources: Sources, models: Models
) -> Iterator[Coupling]:
    for keyword in BY_LOOKUP:
        for reached in models.path(model, call.keywords.get(keyword, "")):
            yield from _reached(source, call, call.place.scope, "lookup", reached, sources)
    for keyword in WALKED:
        row: type[Model] | None = model
        for step in call.keywords.get(keyword, "").replace("__", ".").split("."):
            relation = models.relation(row, step) if row else None
            row = relation.model if relation else row
            if relation and relation.declared_by != source.app:
                yield from _reached(source, call, call.place.scope, "walk", row, sources)


def _reached(
    source: SourceFile, at: Call | Text, scope: str, form: str, model: Any, sources: Sources
) -> Iterator[Coupling]:
    fields = {"kind": "query", "form": form, "target_symbol": model._meta.label}
    yield from _at(source, at.line, scope, model, sources, **fields)


def _at(
    source: SourceFile, line: int, scope: str, model: type[Model], sources: Sources, **fields: Any
) -> Iterator[Coupling]:
    target = model._meta.app_label
    if target != source.app and sources.project.is_own(target):
        yield source.coupling(line, scope, target=target, **fields)
