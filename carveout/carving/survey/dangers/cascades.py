"""Finds cascades over several apps: deleting a row of one deletes rows of a third via a second."""

from collections.abc import Iterator

from django.db.models import Model

from carveout.carving.survey.dangers.danger import Danger
from carveout.carving.survey.model_fields import Field
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.sources import Sources

CASCADING = {"CASCADE", "DB_CASCADE"}
KIND = "cascade over apps"


def cascades(sources: Sources, models: Models) -> Iterator[Danger]:
    """One danger for each last relation and each app whose deletes reach it, by a shortest path."""
    yield from models.each(lambda owner: _of_model(owner, sources, models))


def _of_model(owner: type[Model], sources: Sources, models: Models) -> Iterator[Danger]:
    for field in models.fields(owner):
        parent = _parent(field, models)
        if parent and parent._meta.app_label != owner._meta.app_label:
            for chain in _ways(parent, models):
                yield _danger(field, [*chain, owner], sources)


def _parent(field: Field, models: Models) -> type[Model] | None:
    """The first-party model whose deleted rows also delete the rows with this field."""
    if field.target is None or not field.holds_key or field.on_delete not in CASCADING:
        return None
    return field.target if models.project.is_own(field.target._meta.app_label) else None


def _ways(model: type[Model], models: Models) -> Iterator[list[type[Model]]]:
    """Shortest chains of models, from a model of each other app down to this one."""
    seen, found, waiting = {model}, {model._meta.app_label}, [[model]]
    while waiting:
        chain = waiting.pop(0)
        for field in models.fields(chain[0]):
            parent = _parent(field, models)
            if parent is None or parent in seen:
                continue
            seen.add(parent)
            waiting.append([parent, *chain])
            if parent._meta.app_label not in found:
                found.add(parent._meta.app_label)
                yield [parent, *chain]


def _danger(field: Field, chain: list[type[Model]], sources: Sources) -> Danger:
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
