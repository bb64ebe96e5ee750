"""Pages of another app that classes and decorators name, and not only calls of `reverse`."""

from collections.abc import Iterator

from carveout.survey.coupling import Coupling
from carveout.survey.facts import Call, Text
from carveout.survey.kinds.naming import named, text_of
from carveout.survey.kinds.urls import Names, symbol
from carveout.survey.project import SHELL
from carveout.survey.sources import Source, Sources

GIVEN = ("view_name", "pattern_name", "login_url")
"""Arguments and attributes of Django's and DRF's classes that hold the name of a page."""


def pages(sources: Sources, names: Names) -> Iterator[Coupling]:
    for source in sources:
        for name, form, at in _named(source, sources):
            for target in names.get(name, set()) - {"", SHELL, source.app}:
                if source.app not in names[name]:
                    told = {"kind": "url", "form": form, "target_symbol": symbol(target, name)}
                    yield from named(source, at, target, sources, **told)


def _named(source: Source, sources: Sources) -> Iterator[tuple[str, str, Call | Text]]:
    """Names of pages, the word that each is given by, and where."""
    for call in source.facts.calls:
        for keyword in GIVEN:
            if keyword in call.keywords:
                yield text_of(source, call.keywords[keyword], sources), keyword, call
    for scoped, text in source.facts.strings.items():
        attribute = scoped.rpartition(":")[2]
        if attribute in GIVEN:
            yield text.value, attribute, text
