"""Remembers which code asked for a join, for queries that are sent later.

A query set is lazy: the code that reads its rows, such as a template or a test, did not write its
joins. So the query remembers, for each table, the code location that brought it in. Django copies
a query's attributes to all queries that are made from it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db.models import QuerySet
from django.db.models.sql.query import Query, RawQuery

from carveout.carving.recorder.sql_tables import name_of

ORIGINS = "_carveout_made"
ANY = "*"
"""Stands for the tables of a hand-written query."""
Named = Callable[..., Iterator[tuple[Query, str]]]
Note = Callable[..., None]
"""Called with a query, the function that yields the tables added to it, and its arguments."""


def origins_of(query: Any) -> dict[str, Any]:
    """The known code locations that brought tables into a query and its parts, by table."""
    parts = [getattr(query, "inner_query", None), *getattr(query, "combined_queries", ())]
    known: dict[str, Any] = {}
    for part in filter(None, parts):
        known |= origins_of(part)
    return known | getattr(query, ORIGINS, {})


def is_known(query: Query, table: str) -> bool:
    return table in getattr(query, ORIGINS, ())


def remember(query: Query, table: str, place: Any) -> None:
    """Stores the first code location of a table. The dict is copied, since queries share it."""
    if not is_known(query, table):
        setattr(query, ORIGINS, {**getattr(query, ORIGINS, {}), table: place})


@contextmanager
def noting(note: Note, active: Callable[[], bool]) -> Iterator[None]:
    """Calls `note` for each method that adds tables to a query, while active."""
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
    """A query that becomes part of another one adds its own table and its known origins."""
    if isinstance(outer, Query) and query.model:
        for table, place in getattr(query, ORIGINS, {}).items():
            remember(outer, table, place)
        yield outer, name_of(query.model._meta.db_table)


def _selected(query: Query, fields: Any, *_: Any, **__: Any) -> Iterator[tuple[Query, str]]:
    """select_related joins when the query is sent; its fields determine the tables."""
    for field in fields or ():
        yield from _along(query, str(field))


def _ordered(query: Query, *ordering: Any, **__: Any) -> Iterator[tuple[Query, str]]:
    for each in ordering:
        if isinstance(each, str) and "__" in each:
            yield from _along(query, each.lstrip("-+"))


def _along(query: Query, path: str) -> Iterator[tuple[Query, str]]:
    """The tables on a path such as `product__supplier`."""
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
"""Django's methods that add tables, with the function that finds these tables. They are not public:
those that a version of Django lacks are skipped, and then the code that sends the query is
responsible."""
