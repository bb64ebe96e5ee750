"""Finds queries that reach another app's rows over relations: lookups, and attributes of rows."""

from collections.abc import Iterator

from django.db.models import Model

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import ITEM, KEY, LOOKUP, TEXT, Call, Chain, Text, Word
from carveout.carving.survey.kinds.naming import named
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.model_inference import Rows
from carveout.carving.survey.query_variables import words
from carveout.carving.survey.query_words import (
    ASKING,
    BY_EXPRESSION,
    BY_KEYWORD,
    JOINING,
    NO_LOOKUPS,
    OF_GIVEN_ROWS,
)
from carveout.carving.survey.sources import SourceFile, Sources

KIND = "query"
PAIRED = {"Q", "When"}
"""Expressions that also take a lookup and its value as a tuple."""
OR_404 = {"get_object_or_404", "get_list_or_404"}


def queries(sources: Sources, models: Models, rows: Rows) -> Iterator[Coupling]:
    yield from sources.each(lambda source: _of_source(source, sources, models, rows))


def _of_source(
    source: SourceFile, sources: Sources, models: Models, rows: Rows
) -> Iterator[Coupling]:
    if source.migration:
        return  # the history of queries
    for call in source.facts.calls:
        yield from _lookups(source, call, models, rows)
    for use in source.facts.uses():
        for reached, sure in rows.walked(source, use.name, use.place.scope):
            if reached.declared_by != source.app:
                yield from _coupling(source, use, "walk", reached.model, sources, sure)


def _lookups(source: SourceFile, call: Call, models: Models, rows: Rows) -> Iterator[Coupling]:
    if not call.words or not _asks(call):
        return
    root, sure = rows.of(source, queried(call), call.place.scope)
    if root is None:
        return
    for word, at in words(source, call, rows.sources):
        if _is_path(word, call):
            path, joins = word.value.lstrip("-"), call.last in JOINING | OF_GIVEN_ROWS
            for model in models.path(root, path, joins_last=joins):
                yield from _coupling(source, at, "lookup", model, rows.sources, sure)


def _asks(call: Call) -> bool:
    """Is it a query, or a class inside one whose strings are field names: `Sum("lines__price")`?"""
    in_query = bool(call.place.queried) and call.last not in NO_LOOKUPS
    return call.last in ASKING or (in_query and call.last[:1].isupper())


def _is_path(word: Word, call: Call) -> bool:
    """Is this word a lookup in its call: a keyword, a field name, or part of an expression?"""
    if word.form == LOOKUP:
        return True
    if word.depth:
        return False
    if call.last in BY_KEYWORD:
        pair = call.last in PAIRED and word.form == TEXT
        return (word.form in (KEY, ITEM) or pair) and "__" in word.value
    return word.form in (TEXT, KEY) and call.last not in BY_EXPRESSION


def queried(call: Call) -> str:
    """The chain that a query begins with."""
    if call.last in OR_404 and call.arguments:
        return f"{call.arguments[0].removeprefix('=')}.objects"
    if call.last in OF_GIVEN_ROWS and call.arguments:
        return call.arguments[0].removeprefix("=")
    inside = call.last[:1].isupper()
    outer = (call.place.queried or call.place.within) if inside else call.name
    return outer.rpartition(".")[0]


def _coupling(
    source: SourceFile,
    at: Call | Chain | Text,
    form: str,
    model: type[Model],
    sources: Sources,
    sure: bool,
) -> Iterator[Coupling]:
    fields = {"kind": KIND, "form": form, "target_symbol": model._meta.label, "sure": sure}
    return named(source, at, model._meta.app_label, sources, **fields)
