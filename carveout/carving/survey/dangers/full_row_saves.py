"""Finds saves of whole rows of another app: each column gets the value it had when read."""

import re
from collections.abc import Iterator

from django.db.models import Model

from carveout.carving.survey.dangers.danger import Danger, danger
from carveout.carving.survey.facts import Call
from carveout.carving.survey.model_inference import Rows
from carveout.carving.survey.sources import SourceFile, Sources

KIND = "whole row saved"
MAKING = re.compile(r"\.(?:create\w*|build|save|copy|deepcopy)\(\)$")
SAVING = ("save", "asave")


def saves(sources: Sources, rows: Rows) -> Iterator[Danger]:
    yield from sources.each(lambda source: _of_source(source, rows))


def _of_source(source: SourceFile, rows: Rows) -> Iterator[Danger]:
    for call in () if source.migration or source.in_tests else source.facts.calls:
        row = _row(source, call, rows) if call.last in SAVING else None
        if row is not None and row._meta.app_label != source.app and rows.is_own(row):
            label = row._meta.label
            text = f"{call.name}() writes every column of a {label} with the values read earlier"
            yield danger(source, call.line, call.place, KIND, label, text)


def _row(source: SourceFile, call: Call, rows: Rows) -> type[Model] | None:
    """The model of a row that was fetched, and is saved without a list of fields.

    A row counts as fetched if it comes from a query, from another row, or as a parameter that is
    such a row. A variable that is only named like a model may be a row created a line before.
    """
    variable = call.name.rpartition(".")[0]
    if "update_fields" in call.keywords or variable in ("", "self", "super()"):
        return None
    resolved = source.facts.resolve(variable, call.place.scope)
    model, sure = rows.of(source, variable, call.place.scope, strictly=True)
    if model is None or _is_new(resolved, model):
        return None
    return model if sure or "." in variable else None


def _is_new(resolved: str, model: type[Model]) -> bool:
    """Created here by its class or a method: `Order(…)`, `form.save(commit=False)`."""
    return resolved.endswith(f"{model.__name__}()") or MAKING.search(resolved) is not None
