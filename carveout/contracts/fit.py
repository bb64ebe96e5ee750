"""Checks that declarations fit what they refer to, as far as this process knows both."""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast, get_type_hints

import msgspec
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, QuerySet

from carveout.conf import code_locations, validation
from carveout.contracts import declared, json_schema, needs, serializer_schema
from carveout.contracts.contract import LookupUse
from carveout.events import declarations
from carveout.events.event import Event
from carveout.lookups.provider import LookupViewSet, providers
from carveout.lookups.reader import Lookup

TYPES = (
    "Use str, int, float, bool, Decimal, datetime, UUID, an Enum, list, dict, a dataclass or a"
    " msgspec.Struct."
)


class Misfit(NamedTuple):
    """A problem, its fix, and the file and line."""

    problem: str
    hint: str
    at: str


def types(struct: type[Event] | type[Lookup]) -> Iterator[Misfit]:
    """Find fields of a type that JSON can't carry."""
    who, at = f"{struct.__module__}.{struct.__name__}", code_locations.of_class(struct)
    try:
        hints = get_type_hints(struct, include_extras=True)
    except NameError as error:
        hint = "Import the type that it names above the class, not only for type checkers."
        yield Misfit(f"{who}: an annotation can't be resolved: {error}.", hint, at)
        return
    for name in struct.__struct_fields__:
        if problem := _unfit(hints[name]):
            at = code_locations.of_field(struct, name)
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
        return f"is of the type {_type_text(type_)}, which JSON can't carry{reason}"
    return ""


def _only_object(type_: type) -> dict[str, Any]:
    if type_ is object:
        return {"title": "object"}
    raise NotImplementedError


def _type_text(type_: Any) -> str:
    return f"{type_.__module__}.{type_.__qualname__}" if isinstance(type_, type) else str(type_)


def _instead(name: str, type_: Any) -> str:
    if isinstance(type_, type) and issubclass(type_, Model):
        return f"Use a field that identifies it, as in {name}_id: int."
    return ""


def reader(read_by: type[Lookup]) -> Iterator[Misfit]:
    """Find fields of a reader that its lookup, if offered here, does not have."""
    view = providers.get(read_by.lookup_of)
    if view is None or any(lookup(view)) or any(types(read_by)):
        return  # already reported
    fields = json_schema.fields_of(serializer_schema.schema_of(view))
    name = declared.name_of(read_by)
    lookup_use = LookupUse(
        read_by.lookup_reader, read_by.lookup_of, name, declared.reader_of(read_by)
    )
    for path in needs.missing(lookup_use, fields):
        yield Misfit(
            f"Lookup {name}: {read_by.lookup_of} has no field {path!r}.",
            validation.suggest(
                path, [each for each in fields if not each.endswith(json_schema.EACH)]
            ),
            lookup_use.reader.fields[path].at,
        )


def lookup(view: type[LookupViewSet]) -> Iterator[Misfit]:
    """Find a lookup without queryset or serializer, or whose key is not a field."""
    who, at = f"Lookup {view.lookup_name}", declarations.location_of(view)
    if view.serializer_class is None or view.queryset is None:
        lacking = "serializer_class" if view.serializer_class is None else "queryset"
        yield Misfit(f"{who}: {lacking} is not set.", f"Set {lacking} in {view.__name__}.", at)
        return
    try:
        serializer_schema.schema_of(view)
    except Exception as error:  # any error of the serializer's own code
        problem = f"{who}: {view.serializer_class.__name__} raised {type(error).__name__}: {error}"
        yield Misfit(problem, "Fix the serializer: other contexts read its fields.", at)
    queryset = cast("QuerySet[Any]", view.queryset).all()
    known = [each.name for each in queryset.model._meta.concrete_fields]
    known += queryset.query.annotations
    if view.lookup_key not in {"pk", *known} and not _is_column(queryset.model, view.lookup_key):
        yield Misfit(
            f"{who}: key={view.lookup_key!r} is not a field of {queryset.model._meta.label}.",
            validation.suggest(view.lookup_key, known),
            at,
        )


def _is_column(model: type[Model], name: str) -> bool:
    """Whether a model has the field, also by a relation's column such as `customer_id`."""
    try:
        return bool(getattr(model._meta.get_field(name), "concrete", False))
    except FieldDoesNotExist:
        return False
