"""Finds the models of the variables that code passes to each template.

It knows what `render` and similar calls are given with the template's name, and what generic views
add automatically. If two of them pass the same variable, it must have the same model in both.
"""

from collections.abc import Iterator

from django.db.models import Model

from carveout.carving.survey.facts import Call
from carveout.carving.survey.kinds.naming import text_of
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.model_inference import MANAGERS, Rows
from carveout.carving.survey.sources import SourceFile, Sources

RENDERING = {
    *("render", "render_to_string", "TemplateResponse", "SimpleTemplateResponse"),
    "render_to_response",
}
ADDING = "get_context_data"
NAME = "context_object_name"
GIVEN = "template_name"

Contexts = dict[str, dict[str, type[Model]]]
"""By template name: the models of its variables, whether they are rows or queries."""


def contexts(sources: Sources, models: Models, rows: Rows) -> Contexts:
    """The variables of each template that the project's code is known to render."""
    passed: dict[str, dict[str, set[type[Model] | None]]] = {}
    for template, name, model in sources.each(lambda each: _of_source(each, sources, models, rows)):
        passed.setdefault(template, {}).setdefault(name, set()).add(model)
    return {
        template: {
            name: model
            for name, (model, *more) in variables.items()
            if model is not None and not more
        }
        for template, variables in passed.items()
    }


Passed = tuple[str, str, type[Model] | None]
"""The template, the variable and its model."""


def _of_source(
    source: SourceFile, sources: Sources, models: Models, rows: Rows
) -> Iterator[Passed]:
    for call in () if source.in_tests else source.facts.calls:
        if call.last in RENDERING:
            for template in _templates(source, call, sources):
                for name, chain in _context(source, call).items():
                    yield template, name, _model(source, chain, call.place.scope, rows)
    for scope in source.facts.definitions:
        given = source.facts.strings.get(f"{scope}:{GIVEN}")
        for template in given.value.split() if given else ():
            yield from ((template, *each) for each in _of_view(source, scope, models, rows))


def _templates(source: SourceFile, call: Call, sources: Sources) -> Iterator[str]:
    given = [value for keyword, value in call.keywords.items() if "template" in keyword]
    for each in [*call.arguments[:2], *given]:
        yield from (name for name in text_of(source, each, sources).split() if "." in name)


def _context(source: SourceFile, call: Call) -> dict[str, str]:
    """The context of a call: dict literals, and variables among the arguments."""
    found = dict(call.context)
    for each in [*call.arguments[1:], call.keywords.get("context", "")]:
        found |= source.facts.contexts.get(f"{call.place.scope}:{each[1:]}", {})
    return found


def _model(source: SourceFile, chain: str, scope: str, rows: Rows) -> type[Model] | None:
    model, sure = rows.of(source, chain, scope, strictly=True)
    return model if sure else None


def _of_view(
    source: SourceFile, scope: str, models: Models, rows: Rows
) -> Iterator[tuple[str, type[Model] | None]]:
    """A view's `object`, `object_list` and their other names, and what get_context_data adds."""
    model = _declared(source, scope, models)
    named = source.facts.strings.get(f"{scope}:{NAME}")
    if model is not None:
        name = str(model._meta.model_name)
        for each in ("object", "object_list", name, f"{name}_list", named.value if named else name):
            yield each, model
    method = f"{scope}.{ADDING}"
    for key, held in source.facts.contexts.items():
        if key.startswith(f"{method}:"):
            for name, chain in held.items():
                yield name, _model(source, chain, method, rows)


def _declared(source: SourceFile, scope: str, models: Models) -> type[Model] | None:
    for attribute in ("model", "queryset"):
        definition = source.facts.definitions.get(f"{scope}.{attribute}")
        if definition and definition.value:
            return models.named(MANAGERS.split(source.facts.resolve(definition.value))[0])
    return None
