"""Queries that reach another app's rows over relations: lookups, and attributes of rows."""

from collections.abc import Iterator

from django.db.models import Model

from carveout.survey.coupling import Coupling
from carveout.survey.facts import Call, Chain, Text
from carveout.survey.kinds.naming import named
from carveout.survey.models import Models
from carveout.survey.rows import Rows
from carveout.survey.sources import Source, Sources

KIND = "query"
BY_KEYWORD = {
    *("filter", "exclude", "get", "get_or_create", "update_or_create", "annotate", "aggregate"),
    *("get_object_or_404", "get_list_or_404", "alias", "aget", "aaggregate", "Q", "When"),
}
BY_STRING = {
    *("order_by", "values", "values_list", "only", "defer", "distinct", "latest", "earliest"),
    *("dates", "datetimes", "alatest", "aearliest", "F", "OuterRef", "Lower", "Coalesce"),
}
JOINING = {"select_related", "prefetch_related", "Prefetch"}
OF_GIVEN_ROWS = {"prefetch_related_objects", "aprefetch_related_objects"}
NO_LOOKUPS = {"Value", "RawSQL", "Func", "JSONObject", "CombinedExpression", "ContentType"}
"""Expressions whose strings are text, and not names of fields."""
OR_404 = {"get_object_or_404", "get_list_or_404"}


def queries(sources: Sources, models: Models, rows: Rows) -> Iterator[Coupling]:
    for source in sources:
        if source.migration:
            continue  # the history of queries
        for call in source.facts.calls:
            yield from _lookups(source, call, models, rows)
        for use in source.facts.uses():
            for reached, sure in rows.walked(source, use.name, use.place.scope):
                if reached.declared_by != source.app:
                    yield from _coupling(source, use, "walk", reached.model, sources, sure)


def _lookups(source: Source, call: Call, models: Models, rows: Rows) -> Iterator[Coupling]:
    paths = list(_paths(source, call))
    if not paths:
        return
    root, sure = rows.of(source, _queried(call), call.place.scope)
    if root is None:
        return
    for path, at in paths:
        for model in models.path(root, path, joins_last=call.last in JOINING | OF_GIVEN_ROWS):
            yield from _coupling(source, at, "lookup", model, rows.sources, sure)


def _paths(source: Source, call: Call) -> Iterator[tuple[str, Call | Text]]:
    """Lookups, and where each is written: in the call, or in what a variable holds."""
    if call.last in BY_KEYWORD:
        yield from ((name, call) for name in call.keywords if "__" in name)
    if call.last not in BY_STRING | JOINING | OF_GIVEN_ROWS and not _is_expression(call):
        return
    for given in call.arguments[call.last in OF_GIVEN_ROWS :]:
        held = source.facts.strings.get(f"{call.place.scope}:{given[1:]}")
        by_name = given.startswith("=")
        for path in (held.value if held else "").split() if by_name else given.split():
            if path.lstrip("-").isidentifier():
                yield path.lstrip("-"), held if by_name and held else call


def _is_expression(call: Call) -> bool:
    """`Sum("lines__price")` inside a query: a class whose strings are names of fields."""
    return bool(call.place.queried) and call.last[:1].isupper() and call.last not in NO_LOOKUPS


def _queried(call: Call) -> str:
    """The chain that a query begins with."""
    if call.last in OR_404 and call.arguments:
        return f"{call.arguments[0].removeprefix('=')}.objects"
    if call.last in OF_GIVEN_ROWS and call.arguments:
        return call.arguments[0].removeprefix("=")
    inside = call.last[:1].isupper()
    outer = (call.place.queried or call.place.within) if inside else call.name
    return outer.rpartition(".")[0]


def _coupling(
    source: Source,
    at: Call | Chain | Text,
    form: str,
    model: type[Model],
    sources: Sources,
    sure: bool,
) -> Iterator[Coupling]:
    told = {"kind": KIND, "form": form, "target_symbol": model._meta.label, "sure": sure}
    return named(source, at, model._meta.app_label, sources, **told)
