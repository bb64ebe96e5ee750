"""Signals of another app that are sent by hand."""

from collections.abc import Iterator
from typing import Any

from django.db.models import signals as of_models
from django.dispatch import Signal

from carveout.survey.coupling import Coupling
from carveout.survey.facts import Call
from carveout.survey.kinds.naming import named
from carveout.survey.models import Models
from carveout.survey.sources import Source, Sources

SENDING = {"send", "send_robust", "asend", "asend_robust"}
OF_MODELS = {
    f"{of_models.__name__}.{name}"
    for name, signal in vars(of_models).items()
    if isinstance(signal, Signal)
}


def sends(sources: Sources, models: Models) -> Iterator[Coupling]:
    declared = declared_signals(sources)
    for source in sources:
        for call in source.facts.calls:
            if call.last not in SENDING:
                continue
            resolved = source.facts.resolve(call.name.rpartition(".")[0], call.place.scope)
            signal = sources.origin(resolved)
            told: dict[str, Any] = {"kind": "signal", "form": call.last}
            if signal in declared:
                app = sources.project.app_of(signal)
                yield from named(source, call, app, sources, target_symbol=signal, **told)
            elif signal in OF_MODELS:
                yield from _of_model(source, call, sources, models, told)


def _of_model(
    source: Source, call: Call, sources: Sources, models: Models, told: dict[str, Any]
) -> Iterator[Coupling]:
    """`post_save.send(sender=Order, …)`, as if a row of another app had been saved."""
    given = call.keywords.get("sender") or next(iter(call.arguments), "")
    model = models.named(source.facts.resolve(given.lstrip("="), call.place.scope))
    if model:
        app, label = model._meta.app_label, model._meta.label
        yield from named(source, call, app, sources, target_symbol=label, **told)


def declared_signals(sources: Sources) -> set[str]:
    """Dotted names of what is assigned a new signal at the top of a module."""
    return {
        f"{source.facts.module}.{name}"
        for source in sources
        for name, definition in source.facts.definitions.items()
        if definition.value.removesuffix("()").endswith("Signal")
    }
