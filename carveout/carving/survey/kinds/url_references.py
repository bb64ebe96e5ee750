"""Finds URL names of another app in classes and decorators, besides calls of `reverse`."""

from collections.abc import Iterator

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import Call, Text
from carveout.carving.survey.kinds.naming import named, text_of
from carveout.carving.survey.kinds.url_names import Names, symbol
from carveout.carving.survey.project import SHELL
from carveout.carving.survey.sources import SourceFile, Sources

GIVEN = ("view_name", "pattern_name", "login_url")
"""Arguments and attributes of Django's and DRF's classes that hold a URL name."""


def pages(sources: Sources, names: Names) -> Iterator[Coupling]:
    yield from sources.each(lambda source: _of_source(source, names, sources))


def _of_source(source: SourceFile, names: Names, sources: Sources) -> Iterator[Coupling]:
    for name, form, at in _named(source, sources):
        for target in names.get(name, set()) - {"", SHELL, source.app}:
            if source.app not in names[name]:
                fields = {"kind": "url", "form": form, "target_symbol": symbol(target, name)}
                yield from named(source, at, target, sources, **fields)


def _named(source: SourceFile, sources: Sources) -> Iterator[tuple[str, str, Call | Text]]:
    """URL names, the argument or attribute that holds each, and where."""
    for call in source.facts.calls:
        for keyword in GIVEN:
            if keyword in call.keywords:
                yield text_of(source, call.keywords[keyword], sources), keyword, call
    for scoped, text in source.facts.strings.items():
        attribute = scoped.rpartition(":")[2]
        if attribute in GIVEN:
            yield text.value, attribute, text
