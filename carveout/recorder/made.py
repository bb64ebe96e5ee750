"""Made: who asked for a join, where the query is only sent later.

A query set is lazy: whoever reads its rows, a template or a test, did not write its joins. So the
query remembers, by table, the place that brought the table into it. Django copies what a query
knows to all that are made from it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db.models.sql.query import Query

from carveout.recorder.tables import name_of

MADE = "_carveout_made"
Note = Callable[[Query, str], None]
Named = Callable[..., Iterator[tuple[Query, str]]]


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
        for name, named in NAMED.items():
            if hasattr(Query, name):
                stack.enter_context(_wrapped(name, named, note, active))
        yield


@contextmanager
def _wrapped(name: str, named: Named, note: Note, active: Callable[[], bool]) -> Iterator[None]:
    original = getattr(Query, name)

    def wrapper(self: Query, *args: Any, **kwargs: Any) -> Any:
        if active():
            for query, table in named(self, *args, **kwargs):
                note(query, table)
        return original(self, *args, **kwargs)

    setattr(Query, name, wrapper)
    try:
        yield
    finally:
        setattr(Query, name, original)


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


NAMED: dict[str, Named] = {
    "join": _joined,
    "resolve_expression": _nested,
    "add_select_related": _selected,
    "add_ordering": _ordered,
}
"""Methods of Django's Query that bring tables in, and which these are. Not public: one that a
version of Django lacks is left out, and then the one who sends the query is responsible."""
