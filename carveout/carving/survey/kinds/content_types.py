"""Finds content types of another app's models, by natural key or by class."""

from collections.abc import Iterator

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import Call
from carveout.carving.survey.kinds.naming import named, text_of
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.sources import SourceFile, Sources

BY_CLASS = {"get_for_model", "get_for_models"}
APP, MODEL = "app_label", "model"


def contenttypes(sources: Sources, models: Models) -> Iterator[Coupling]:
    yield from sources.each(lambda source: _of_source(source, sources, models))


def _of_source(source: SourceFile, sources: Sources, models: Models) -> Iterator[Coupling]:
    for call in source.facts.calls:
        for label in _labels(source, call, sources, models):
            model = models.by_label.get(label.lower())
            symbol = model._meta.label if model else label
            app = symbol.partition(".")[0]
            if app in sources.project.apps and (model or "." not in label):
                fields = {"kind": "query", "form": "content type", "target_symbol": symbol}
                yield from named(source, call, app, sources, **fields)


def _labels(source: SourceFile, call: Call, sources: Sources, models: Models) -> Iterator[str]:
    """Labels of models; only the app's label if no model is named."""
    if call.last in BY_CLASS and "ContentType" in call.name:
        for given in call.arguments:
            model = models.named(source.facts.resolve(given[1:], call.place.scope))
            if given.startswith("=") and model:
                yield model._meta.label
        return
    app, model_name = _key(source, call, sources)
    if app and "Permission." not in call.name:
        yield f"{app}.{model_name}".rstrip(".")


def _key(source: SourceFile, call: Call, sources: Sources) -> tuple[str, str]:
    """The app and the model of a natural key, in a query of other rows also after `…__`."""
    if call.last == "get_by_natural_key" and "ContentType" in call.name:
        first, second = [*call.arguments, "", ""][:2]
        app, model = call.keywords.get(APP, first), call.keywords.get(MODEL, second)
        return text_of(source, app, sources), text_of(source, model, sources)
    parts = {APP: "", MODEL: ""}
    for keyword, given in call.keywords.items():
        before, _, last = keyword.rpartition("__")
        if last in parts and (before or _is_of_content_types(call)):
            parts[last] = text_of(source, given, sources)
    return parts[APP], parts[MODEL]


def _is_of_content_types(call: Call) -> bool:
    """`ContentType.objects.get(…)`, or a `Q(…)` that limits a relation to them."""
    return "ContentType.objects" in call.name or call.place.within.endswith("ForeignKey")
