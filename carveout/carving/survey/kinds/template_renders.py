"""Finds templates of another app that code renders, or that a template of the same name hides."""

import re
from collections.abc import Iterator

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import Call, Text
from carveout.carving.survey.kinds.naming import named, text_of
from carveout.carving.survey.kinds.templates import Template, Templates
from carveout.carving.survey.sources import SourceFile, Sources
from carveout.carving.survey.unread import LOADER, Gaps

KIND = "template"
RENDERING = {
    *("render", "render_to_string", "get_template", "select_template", "inclusion_tag"),
    *("TemplateResponse", "SimpleTemplateResponse", "render_to_response"),
}
FILE = re.compile(r"[\w./-]+\.(?:html?|txt|xml|jinja2?|j2|mjml|md|eml)")
NAMES_MAX = 3


def rendered(sources: Sources, found: Templates) -> Iterator[Coupling]:
    missing: set[str] = set()
    yield from sources.each(lambda source: _of_source(source, sources, found, missing))
    _note_silent(sources.project.gaps, found.asked.silent, sorted(missing))


def _of_source(
    source: SourceFile, sources: Sources, found: Templates, missing: set[str]
) -> Iterator[Coupling]:
    for name, at in _names(source, sources):
        if found.asked.silent and FILE.fullmatch(name) and not found.exists(name):
            missing.add(name)
        fields = {"kind": KIND, "form": "render", "target_symbol": name}
        yield from named(source, at, found.owner(name, source.app), sources, **fields)


def _note_silent(gaps: Gaps, silent: list[str], missing: list[str]) -> None:
    """Notes each loader without folders, and how many rendered templates are in no known folder."""
    some = ", ".join(missing[:NAMES_MAX]) + (", …" if missing[NAMES_MAX:] else "")
    names = f"{len(missing)} rendered templates are in no folder: {some}" if missing else ""
    for loader in silent:
        name, _, why = loader.partition(" ")
        gaps.note(LOADER, name, f"{why}; {names or 'no rendered template is missing'}")


def _names(source: SourceFile, sources: Sources) -> Iterator[tuple[str, Call | Text]]:
    """Words at places where the name of a template is expected."""
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
    """Templates with the same name: Django uses the first and never shows the others."""
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
