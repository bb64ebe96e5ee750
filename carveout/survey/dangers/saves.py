"""Rows of another app that are saved whole: each column as it was when the row was read."""

import re
from collections.abc import Iterator

from django.db.models import Model

from carveout.survey.dangers.danger import Danger, danger
from carveout.survey.facts import Call
from carveout.survey.rows import Rows
from carveout.survey.sources import Source, Sources

KIND = "whole row saved"
MAKING = re.compile(r"\.(?:create\w*|build|save|copy|deepcopy)\(\)$")
SAVING = ("save", "asave")


def saves(sources: Sources, rows: Rows) -> Iterator[Danger]:
    for source in sources:
        for call in () if source.migration or source.in_tests else source.facts.calls:
            row = _row(source, call, rows) if call.last in SAVING else None
            if row is not None and row._meta.app_label != source.app and rows.is_own(row):
                label = row._meta.label
                text = f"{call.name}() writes every column of a {label}, as it was when read"
                yield danger(source, call.line, call.place, KIND, label, text)


def _row(source: Source, call: Call, rows: Rows) -> type[Model] | None:
    """The model of a row that was fetched, and that is saved without a list of fields.

    Fetched is what a query gives, what another row leads to, and what a function is handed over
    as such a row. Whatever only has the name of a model may have been made a line before.
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
    """Made here, by its class or by what makes rows: `Order(…)`, `form.save(commit=False)`."""
    return resolved.endswith(f"{model.__name__}()") or MAKING.search(resolved) is not None
