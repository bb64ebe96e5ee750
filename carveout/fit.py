"""Fit: can what is declared work with what it names, as far as this process knows both?"""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast, get_type_hints

import msgspec
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, QuerySet

from carveout import declaration, mistakes, origin
from carveout.contracts import declared, needs, offer, schema
from carveout.contracts.contract import Read
from carveout.event import Event
from carveout.lookups import Lookup, LookupViewSet, offered

TYPES = (
    "Use str, int, float, bool, Decimal, datetime, UUID, an Enum, list, dict, a dataclass or a"
    " msgspec.Struct."
)


class Misfit(NamedTuple):
    """What does not fit, how to fix it, and the file and line."""

    problem: str
    hint: str
    at: str


def types(struct: type[Event] | type[Lookup]) -> Iterator[Misfit]:
    """Fields of a type that JSON can't carry."""
    who, at = f"{struct.__module__}.{struct.__name__}", origin.of_class(struct)
    try:
        hints = get_type_hints(struct, include_extras=True)
    except NameError as error:
        hint = "Import what it names above the class, and not for type checkers only."
        yield Misfit(f"{who}: an annotation is not resolved: {error}.", hint, at)
        return
    for name in struct.__struct_fields__:
        if problem := _unfit(hints[name]):
            at = origin.of_field(struct, name)
            hint = f"{_instead(name, hints[name])} {TYPES}".strip()
            yield Misfit(f"{who}: its field {name!r} {problem}.", hint, at)


def _unfit(type_: Any) -> str:
    """Why JSON can't carry a type; empty if it can."""
    try:
        msgspec.json.schema(type_, schema_hook=_only_object)
        msgspec.json.Decoder(type_)
    except (TypeError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[-1].partition(" - ")[0]
        reason = "" if reason.endswith("is not supported") else f": {reason}"
        return f"is of the type {_told(type_)}, which JSON can't carry{reason}"
    return ""


def _only_object(type_: type) -> dict[str, Any]:
    if type_ is object:
        return {"title": "object"}
    raise NotImplementedError


def _told(type_: Any) -> str:
    return f"{type_.__module__}.{type_.__qualname__}" if isinstance(type_, type) else str(type_)


def _instead(name: str, type_: Any) -> str:
    if isinstance(type_, type) and issubclass(type_, Model):
        return f"Name what identifies it, as in {name}_id: int."
    return ""


def reader(read_by: type[Lookup]) -> Iterator[Misfit]:
    """Fields that a reader names and its lookup, which is offered here, does not have."""
    view = offered.get(read_by.lookup_of)
    if view is None or any(lookup(view)) or any(types(read_by)):
        return  # that is told already
    fields = schema.fields_of(offer.schema_of(view))
    name = declared.name_of(read_by)
    read = Read(read_by.lookup_reader, read_by.lookup_of, name, declared.reader_of(read_by))
    for path in needs.missing(read, fields):
        yield Misfit(
            f"Lookup {name}: {read_by.lookup_of} has no field {path!r}.",
            mistakes.suggest(path, [each for each in fields if not each.endswith(schema.EACH)]),
            read.reader.fields[path].at,
        )


def lookup(view: type[LookupViewSet]) -> Iterator[Misfit]:
    """A lookup without what it answers from, or whose key is no field there."""
    who, at = f"Lookup {view.lookup_name}", declaration.place(view)
    if view.serializer_class is None or view.queryset is None:
        lacking = "serializer_class" if view.serializer_class is None else "queryset"
        yield Misfit(f"{who}: {lacking} is not set.", f"Set {lacking} in {view.__name__}.", at)
        return
    try:
        offer.schema_of(view)
    except Exception as error:  # whatever the serializer's own code raises
        problem = f"{who}: {view.serializer_class.__name__} raised {type(error).__name__}: {error}"
        yield Misfit(problem, "Correct the serializer: its fields are what others read.", at)
    queryset = cast("QuerySet[Any]", view.queryset).all()
    known = [each.name for each in queryset.model._meta.concrete_fields]
    known += queryset.query.annotations
    if view.lookup_key not in {"pk", *known} and not _is_column(queryset.model, view.lookup_key):
        yield Misfit(
            f"{who}: key={view.lookup_key!r} is no field of {queryset.model._meta.label}.",
            mistakes.suggest(view.lookup_key, known),
            at,
        )


def _is_column(model: type[Model], name: str) -> bool:
    """Also by the name of a relation's column, such as `customer_id`."""
    try:
        return bool(getattr(model._meta.get_field(name), "concrete", False))
    except FieldDoesNotExist:
        return False
