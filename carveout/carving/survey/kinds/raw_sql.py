"""Finds raw SQL that names another app's tables."""

import re
from collections.abc import Iterator

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import Call, Text
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.sources import SourceFile, Sources

KIND = "query"
FRAGMENTS = {"extra", "RawSQL"}
"""Calls whose arguments are parts of a statement."""
STAYS = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:\w+\s+)?(?:VIEW|TRIGGER|FUNCTION|PROCEDURE|RULE)\b",
    re.IGNORECASE,
)
"""Statements of migrations that create what stays in the database."""
TABLES = re.compile(
    r"(?:\b(?:FROM|JOIN|INTO|UPDATE(?!\s+ON\b)|TABLE|USING|ON)\s+(?:ONLY\s+)?|,\s*)"
    r'["`\[]?(?:\w+["`]?\.["`]?)?(\w+)',
    re.IGNORECASE,
)
"""Words where a table may be named. After a comma, they may be columns: no table matches those."""


def sql(sources: Sources, models: Models) -> Iterator[Coupling]:
    yield from sources.each(lambda source: _of_source(source, sources, models))


def _of_source(source: SourceFile, sources: Sources, models: Models) -> Iterator[Coupling]:
    for text in source.facts.statements:
        if source.migration and not STAYS.match(text.value):
            continue  # history; but what stays in the database still needs the tables
        for match in TABLES.finditer(text.value):
            line = text.line + text.value.count("\n", 0, match.start(1))
            yield from _coupling(source, text, line, "raw SQL", match[1], sources, models)
    for call in source.facts.calls:
        if call.last in FRAGMENTS:
            for name in _named(call):
                yield from _coupling(source, call, call.line, "extra", name, sources, models)


def _named(call: Call) -> list[str]:
    given = [*call.arguments, *call.keywords.values()]
    tables = re.findall(r"\w+", call.keywords.get("tables", ""))
    return tables + [name for each in given for name in TABLES.findall(each)]


def _coupling(
    source: SourceFile,
    at: Call | Text,
    line: int,
    form: str,
    table: str,
    sources: Sources,
    models: Models,
) -> Iterator[Coupling]:
    model = models.by_table.get(table.lower())
    if model is None or model._meta.app_label == source.app:
        return
    yield source.coupling(
        line,
        at.place.scope or at.place.assigned,
        kind=KIND,
        form=form,
        target=model._meta.app_label,
        target_symbol=model._meta.label,
    )
