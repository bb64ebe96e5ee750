"""Made: who asked for a join, where the query is only sent later.

A query set is lazy: whoever reads its rows, a template or a test, did not write its joins. So the
query remembers, by table, the place that brought the table into it. Django copies what a query
knows to all that are made from it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db.models import QuerySet
from django.db.models.sql.query import Query, RawQuery

from carveout.recorder.tables import name_of

MADE = "_carveout_made"
ANY = "*"
"""Stands for the tables of a query that somebody wrote by hand."""
Named = Callable[..., Iterator[tuple[Query, str]]]
Note = Callable[..., None]
"""Is told a query, how to tell the tables that come into it, and what its method was given."""


def all_made(query: Any) -> dict[str, Any]:
    """The places that brought tables into a query and its parts, by table, as far as was seen."""
    parts = [getattr(query, "inner_query", None), *getattr(query, "combined_queries", ())]
    known: dict[str, Any] = {}
    for part in filter(None, parts):
        known |= all_made(part)
    return known | getattr(query, MADE, {})


def is_known(query: Query, table: str) -> bool:
    return table in getattr(query, MADE, ())


def remember(query: Query, table: str, place: Any) -> None:
    """The first place counts. Queries share what they know until one of them learns more."""
    if not is_known(query, table):
        setattr(query, MADE, {**getattr(query, MADE, {}), table: place})


@contextmanager
def noting(note: Note, active: Callable[[], bool]) -> Iterator[None]:
    """Within and while active, each table that comes into a query is noted, where it is named."""
    with ExitStack() as stack:
        for owner, name, named in NAMED:
            if hasattr(owner, name):
                stack.enter_context(_wrapped(owner, name, named, note, active))
        yield


@contextmanager
def _wrapped(
    owner: type, name: str, named: Named, note: Note, active: Callable[[], bool]
) -> Iterator[None]:
    original = getattr(owner, name)

    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if active():
            note(self, named, *args, **kwargs)
        return original(self, *args, **kwargs)

    setattr(owner, name, wrapper)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _joined(query: Query, join: Any, *_: Any, **__: Any) -> Iterator[tuple[Query, str]]:
    if query.model and join.table_name != query.model._meta.db_table:
        yield query, name_of(join.table_name)


def _nested(query: Query, outer: Any, *_: Any, **__: Any) -> Iterator[tuple[Query, str]]:
    """A query that becomes a part of another brings its own table along, and what it knows."""
    if isinstance(outer, Query) and query.model:
        for table, place in getattr(query, MADE, {}).items():
            remember(outer, table, place)
        yield outer, name_of(query.model._meta.db_table)


def _selected(query: Query, fields: Any, *_: Any, **__: Any) -> Iterator[tuple[Query, str]]:
    """select_related joins when the query is sent; its fields say which tables these will be."""
    for field in fields or ():
        yield from _along(query, str(field))


def _ordered(query: Query, *ordering: Any, **__: Any) -> Iterator[tuple[Query, str]]:
    for each in ordering:
        if isinstance(each, str) and "__" in each:
            yield from _along(query, each.lstrip("-+"))


def _along(query: Query, path: str) -> Iterator[tuple[Query, str]]:
    """The tables behind `product__supplier`."""
    model: Any = query.model
    for name in path.split("__"):
        field = model and {each.name: each for each in model._meta.get_fields()}.get(name)
        model = getattr(field, "related_model", None)
        if model is None:
            return
        yield query, name_of(model._meta.db_table)


def _given(query: Query, *given: Any, **named: Any) -> Iterator[tuple[Query, str]]:
    """The tables of extra()."""
    tables = given[4] if len(given) > 4 else named.get("tables")
    for table in tables or ():
        yield query, name_of(str(table))


def _united(rows: QuerySet[Any], _: str, *others: Any, **__: Any) -> Iterator[tuple[Query, str]]:
    for each in others:
        if isinstance(each, QuerySet):
            yield rows.query, name_of(each.model._meta.db_table)


def _raw(query: Any, *_: Any, **__: Any) -> Iterator[tuple[Any, str]]:
    yield query, ANY


NAMED: tuple[tuple[type, str, Named], ...] = (
    (Query, "join", _joined),
    (Query, "resolve_expression", _nested),
    (Query, "add_select_related", _selected),
    (Query, "add_ordering", _ordered),
    (Query, "add_extra", _given),
    (QuerySet, "_combinator_query", _united),
    (RawQuery, "__init__", _raw),
)
"""Methods of Django's that bring tables in, and which these are. Not public: one that a version of
Django lacks is left out, and then the one who sends the query is responsible."""
