"""Templates of another app: rendered by code, or put out of use by one of the same name."""

from collections.abc import Iterator

from carveout.survey.coupling import Coupling
from carveout.survey.facts import Call, Text
from carveout.survey.kinds.naming import named, text_of
from carveout.survey.kinds.templates import Template, Templates
from carveout.survey.sources import Source, Sources

KIND = "template"
RENDERING = {
    *("render", "render_to_string", "get_template", "select_template", "inclusion_tag"),
    *("TemplateResponse", "SimpleTemplateResponse", "render_to_response"),
}


def rendered(sources: Sources, found: Templates) -> Iterator[Coupling]:
    for source in sources:
        for name, at in _names(source, sources):
            told = {"kind": KIND, "form": "render", "target_symbol": name}
            yield from named(source, at, found.owner(name, source.app), sources, **told)


def _names(source: Source, sources: Sources) -> Iterator[tuple[str, Call | Text]]:
    """Words that stand where the name of a template may."""
    for call in source.facts.calls:
        given = [value for keyword, value in call.keywords.items() if "template" in keyword]
        given += call.arguments[:2] if call.last in RENDERING else ()
        for each in given:
            for name in text_of(source, each, sources).split():
                yield name, call
    for scoped, text in source.facts.strings.items():
        if "template" in scoped.rpartition(":")[2].lower():
            yield from ((name, text) for name in text.value.split())


def overrides(found: Templates) -> Iterator[Coupling]:
    """Of templates with one name Django takes the first; the others never show."""
    for first, *others in found.by_name.values():
        for other in others:
            if other.app != first.app and other.path != first.path:
                yield _override(first, other.app, found.project.file(other.path), found)
        for app, path in found.third_party(first):
            yield _override(first, app, path, found)


def _override(template: Template, app: str, symbol: str, found: Templates) -> Coupling:
    return Coupling(
        kind=KIND,
        form="override",
        source=template.app,
        source_symbol=template.name,
        file=found.project.file(template.path),
        line=1,
        target=app,
        target_symbol=symbol,
    )
