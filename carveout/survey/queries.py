"""Queries that reach another app's rows: raw SQL, lookups over relations, reverse accessors."""

import re
from collections.abc import Iterator
from typing import Any

from django.db.models import Model

from carveout.survey.coupling import Coupling
from carveout.survey.facts import Call
from carveout.survey.models import Models
from carveout.survey.sources import Source, Sources

KIND = "query"
SQL_CALLS = {
    "raw": "raw SQL",
    "execute": "raw SQL",
    "executemany": "raw SQL",
    "RawSQL": "raw SQL",
    "RunSQL": "raw SQL",
    "extra": "extra",
}
TABLES = re.compile(
    r"(?:\b(?:FROM|JOIN|INTO|UPDATE|TABLE|USING)\s+(?:ONLY\s+)?|,\s*)"
    r'["`\[]?(?:\w+["`]?\.["`]?)?(\w+)',
    re.IGNORECASE,
)
"""What stands where a table may. A comma may be one of columns: those have no table's name."""
BY_KEYWORD = {
    "filter",
    "exclude",
    "get",
    "get_or_create",
    "update_or_create",
    "Q",
    "get_object_or_404",
    "get_list_or_404",
    "annotate",
    "aggregate",
    "When",
}
BY_STRING = {
    "order_by",
    "values",
    "values_list",
    "only",
    "defer",
    "distinct",
    "F",
    "OuterRef",
    "Sum",
    "Count",
    "Avg",
    "Min",
    "Max",
    "dates",
    "datetimes",
    "Lower",
    "Coalesce",
}
JOINING = {"select_related", "prefetch_related", "Prefetch", "prefetch_related_objects"}
MANAGERS = re.compile(r"\.(objects|_default_manager|_base_manager|\w*_objects|all_objects)\b")


def queries(sources: Sources, models: Models) -> Iterator[Coupling]:
    for source in sources:
        for call in source.facts.calls:
            yield from _sql(source, call, sources, models)
            if not source.migration:
                yield from _lookups(source, call, sources, models)
        yield from _accessors(source, sources, models)


# -- Raw SQL -----------------------------------------------------------------------------------


def _sql(source: Source, call: Call, sources: Sources, models: Models) -> Iterator[Coupling]:
    form = SQL_CALLS.get(call.last)
    if not form:
        return
    text = " ".join(_text(source, each) for each in [*call.arguments, *call.keywords.values()])
    names = [name.lower() for name in TABLES.findall(text)]
    names += re.findall(r"\w+", call.keywords.get("tables", "").lower())
    for name in dict.fromkeys(names):
        if name in models.by_table:
            yield from _coupling(source, call, form, models.by_table[name], sources)


def _text(source: Source, given: str) -> str:
    """A string, or the one that a name at the top of the file stands for."""
    if not given.startswith("="):
        return given
    definition = source.facts.definitions.get(given[1:])
    return definition.target if definition else ""


# -- Lookups over relations --------------------------------------------------------------------


def _lookups(source: Source, call: Call, sources: Sources, models: Models) -> Iterator[Coupling]:
    paths = list(_paths(call))
    root = _root(source, call, models) if paths else None
    if root is None:
        return
    for path in paths:
        for model in models.path(root, path, joins_last=call.last in JOINING):
            yield from _coupling(source, call, "lookup", model, sources)


def _paths(call: Call) -> Iterator[str]:
    if call.last in BY_KEYWORD:
        yield from (name for name in call.keywords if "__" in name)
    for given in call.arguments if call.last in BY_STRING | JOINING else ():
        path = given.lstrip("-")
        if path.isidentifier() and ("__" in path or call.last in JOINING):
            yield path


def _root(source: Source, call: Call, models: Models) -> type[Model] | None:
    """The model that a query starts from, if the code says so."""
    name = call.name
    if call.last in ("get_object_or_404", "get_list_or_404") and call.arguments:
        name = call.arguments[0].removeprefix("=") + ".objects"
    elif call.last in BY_KEYWORD | BY_STRING | JOINING and "." not in name.removesuffix(call.last):
        name = call.place.within  # Q(…) or F(…) in filter(…)
    return root_of(source, name, call.place.scope, models)


def root_of(source: Source, name: str, scope: str, models: Models) -> type[Model] | None:
    """The model whose rows a chain such as `Order.objects.get()`, or a variable of one, gives."""
    resolved = source.facts.resolve(name, scope)
    return models.named(MANAGERS.split(resolved)[0].removesuffix("()"))


# -- Reverse accessors -------------------------------------------------------------------------


def _accessors(source: Source, sources: Sources, models: Models) -> Iterator[Coupling]:
    for use in source.facts.uses():
        variable, *steps = use.name.replace("()", "").split(".")
        if not steps or MANAGERS.search(use.name):
            continue
        model, sure = _row(source, variable, use.place.scope, models)
        for reached, symbol, form in models.walk(model, steps) if model else ():
            yield from _coupling(source, use, form, reached, sources, sure, symbol)


def _row(source: Source, name: str, scope: str, models: Models) -> tuple[type[Model] | None, bool]:
    """The model that a variable is a row of, and whether the code says so or only its name."""
    if name == "self":
        parts = scope.split(".")
        return models.named(f"{source.facts.module}.{'.'.join(parts[:-1])}"), True
    known = root_of(source, name, scope, models)
    if known is not None or source.facts.resolve(name, scope) != name:
        return known, True
    return models.meant(name, source.app), False


def _coupling(
    source: Source,
    at: Any,
    form: str,
    model: type[Model],
    sources: Sources,
    sure: bool = True,
    symbol: str = "",
) -> Iterator[Coupling]:
    target = model._meta.app_label
    if target == source.app or not sources.project.is_own(target):
        return
    yield Coupling(
        kind=KIND,
        form=form,
        source=source.app,
        source_symbol=source.symbol(at.place.scope or at.place.assigned),
        file=source.file,
        line=at.line,
        target=target,
        target_symbol=symbol or model._meta.label,
        sure=sure,
    )
