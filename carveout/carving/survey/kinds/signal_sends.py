"""Finds signals of another app that code sends itself."""

from collections.abc import Iterator
from typing import Any

from django.db.models import signals as of_models
from django.dispatch import Signal

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import Call
from carveout.carving.survey.kinds.naming import named
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.sources import SourceFile, Sources

SENDING = {"send", "send_robust", "asend", "asend_robust"}
OF_MODELS = {
    f"{of_models.__name__}.{name}"
    for name, signal in vars(of_models).items()
    if isinstance(signal, Signal)
}


def sends(sources: Sources, models: Models) -> Iterator[Coupling]:
    declared = declared_signals(sources)
    yield from sources.each(lambda source: _of_source(source, declared, sources, models))


def _of_source(
    source: SourceFile, declared: set[str], sources: Sources, models: Models
) -> Iterator[Coupling]:
    for call in source.facts.calls:
        if call.last not in SENDING:
            continue
        resolved = source.facts.resolve(call.name.rpartition(".")[0], call.place.scope)
        signal = sources.origin(resolved)
        fields: dict[str, Any] = {"kind": "signal", "form": call.last}
        if signal in declared:
            app = sources.project.app_of(signal)
            yield from named(source, call, app, sources, target_symbol=signal, **fields)
        elif signal in OF_MODELS:
            yield from _of_model(source, call, sources, models, fields)


def _of_model(
    source: SourceFile, call: Call, sources: Sources, models: Models, fields: dict[str, Any]
) -> Iterator[Coupling]:
    """For `post_save.send(sender=Order, …)`, as if a row of another app had been saved."""
    given = call.keywords.get("sender") or next(iter(call.arguments), "")
    model = models.named(source.facts.resolve(given.lstrip("="), call.place.scope))
    if model:
        app, label = model._meta.app_label, model._meta.label
        yield from named(source, call, app, sources, target_symbol=label, **fields)


def declared_signals(sources: Sources) -> set[str]:
    """Dotted names that are assigned a new signal at the top of a module."""
    return {
        f"{source.facts.module}.{name}"
        for source in sources
        for name, definition in source.facts.definitions.items()
        if definition.value.removesuffix("()").endswith("Signal")
    }
