"""Cascades over several apps: deleting a row of one deletes rows of a third by way of a second."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Model

from carveout.survey.dangers.danger import Danger
from carveout.survey.models import Models
from carveout.survey.sources import Sources

CASCADING = {"CASCADE", "DB_CASCADE"}
KIND = "cascade over apps"


def cascades(sources: Sources, models: Models) -> Iterator[Danger]:
    """One for each last relation and each app that its rows are deleted from, by a shortest way."""
    for owner in models.own():
        for field in owner._meta.local_fields:
            parent = _parent(field, models)
            if parent and parent._meta.app_label != owner._meta.app_label:
                for chain in _ways(parent, models):
                    yield _danger(field, [*chain, owner], sources)


def _parent(field: Any, models: Models) -> type[Model] | None:
    """The first-party model whose deleted rows take those of this field with them."""
    on_delete = getattr(field.remote_field, "on_delete", None)
    if not isinstance(field.related_model, type):
        return None
    parent: type[Model] = field.related_model
    if getattr(on_delete, "__name__", "") not in CASCADING:
        return None
    return parent if models.project.is_own(parent._meta.app_label) else None


def _ways(model: type[Model], models: Models) -> Iterator[list[type[Model]]]:
    """Shortest chains of models, from one of each other app down to this one."""
    seen, found, waiting = {model}, {model._meta.app_label}, [[model]]
    while waiting:
        chain = waiting.pop(0)
        for field in chain[0]._meta.local_fields:
            parent = _parent(field, models)
            if parent is None or parent in seen:
                continue
            seen.add(parent)
            waiting.append([parent, *chain])
            if parent._meta.app_label not in found:
                found.add(parent._meta.app_label)
                yield [parent, *chain]


def _danger(field: Any, chain: list[type[Model]], sources: Sources) -> Danger:
    owner = chain[-1]
    first, *rest = [model._meta.label for model in chain]
    name = f"{owner.__module__}.{owner.__qualname__}"
    file, found = sources.defined(f"{name}.{field.name}")
    if not found:
        file, found = sources.defined(name)
    return Danger(
        kind=KIND,
        app=owner._meta.app_label,
        symbol=f"{owner._meta.label}.{field.name}",
        file=file,
        line=found.line if found else 0,
        target_symbol=first,
        text=f"deleting a {first} deletes {', and with it '.join(rest)}",
    )
