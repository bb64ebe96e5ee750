"""Builds the contract of a context from its code."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import inspect as types

from carveout.conf import code_locations
from carveout.contracts import json_schema, serializer_schema
from carveout.contracts.contract import (
    Contract,
    EventType,
    FieldRead,
    Offer,
    Reader,
    SubscriptionUse,
)
from carveout.events import event, upcasters
from carveout.lookups import reader as lookups
from carveout.lookups.provider import LookupViewSet, providers
from carveout.subscriptions import subscription


def declared(context: str) -> Contract:
    """The contract of a context hosted here, from its current code."""
    return Contract(
        context=context,
        events={name: _event(event.registry[name]) for name in _own(context, event.registry)},
        lookups={name: _offer(providers[name]) for name in _own(context, providers)},
        reads=_reads(context),
        hears=_hears(context),
    )


def name_of(reader: type[lookups.Lookup]) -> str:
    return f"{reader.__module__}.{reader.__qualname__}"


def _own(context: str, names: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in names if name.split(".")[0] == context)


def _event(declared: type[event.Event]) -> EventType:
    return EventType(
        at=code_locations.of_class(declared),
        key=declared.event_key,
        carries=declared.event_carries,
        version=declared.event_version,
        upcasts=sorted(upcasters.registry.get(event.type_name(declared), ())),
        schema=json_schema.of_type(declared),
    )


def _offer(view: type[LookupViewSet]) -> Offer:
    return Offer(
        at=code_locations.of_class(view),
        key=view.lookup_key,
        schema=serializer_schema.schema_of(view),
    )


def _reads(context: str) -> dict[str, dict[str, Reader]]:
    found: dict[str, dict[str, Reader]] = {}
    for reader in lookups.readers:
        if reader.lookup_reader == context:
            found.setdefault(reader.lookup_of, {})[name_of(reader)] = reader_of(reader)
    return found


def reader_of(reader: type[lookups.Lookup]) -> Reader:
    """The fields that one reader declares."""
    named = dict(_named(types.type_info(reader), "", ()))
    fields = {}
    for path, wanted in json_schema.fields_of(json_schema.of_type(reader)).items():
        cls, field = named[_nearest(path, named)]
        fields[path] = FieldRead(
            at=code_locations.of_field(cls, field.name),
            type=json_schema.format_types(wanted),
            optional=cls is not reader and not field.required,
        )
    return Reader(at=code_locations.of_class(reader), by=reader.lookup_by, fields=fields)


def _nearest(path: str, named: Mapping[str, Any]) -> str:
    """The path itself, or the field whose items or values it is for."""
    while path not in named:
        path = path.removesuffix(json_schema.EACH).removesuffix(f".{json_schema.EVERY}")
    return path


def _named(
    info: types.Type, path: str, inside: tuple[type, ...]
) -> Iterator[tuple[str, tuple[type, types.Field]]]:
    """The class and field behind each path of a reader's type."""
    match info:
        case types.StructType() | types.DataclassType() | types.TypedDictType():
            if info.cls in inside:
                return
            for field in info.fields:
                below = f"{path}.{field.encode_name}" if path else field.encode_name
                yield below, (info.cls, field)
                yield from _named(field.type, below, (*inside, info.cls))
        case types.UnionType():
            for each in info.types:
                yield from _named(each, path, inside)
        case types.CollectionType():
            yield from _named(info.item_type, path + json_schema.EACH, inside)
        case types.DictType():
            yield from _named(info.value_type, f"{path}.{json_schema.EVERY}", inside)


def _hears(context: str) -> dict[str, dict[str, SubscriptionUse]]:
    found: dict[str, dict[str, SubscriptionUse]] = {}
    for each in subscription.hosted([context]):
        asks = sorted({name_of(reader) for reader in each.readers})
        use = SubscriptionUse(at=code_locations.of_function(each.handler), via=each.via, asks=asks)
        for type_name in each.types:
            found.setdefault(type_name, {})[each.name] = use
    return found
