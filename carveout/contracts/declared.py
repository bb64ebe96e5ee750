"""The contract of a context as its code declares it."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import inspect as types

from carveout import event, lookups, origin, subscription, upcaster
from carveout.contracts import offer, schema
from carveout.contracts.contract import Contract, EventType, FieldRead, Hearing, Offer, Reader


def declared(context: str) -> Contract:
    """The contract of a context that is hosted here, as its code is now."""
    return Contract(
        context=context,
        events={name: _event(event.registry[name]) for name in _own(context, event.registry)},
        lookups={name: _offer(lookups.offered[name]) for name in _own(context, lookups.offered)},
        reads=_reads(context),
        hears=_hears(context),
    )


def name_of(reader: type[lookups.Lookup]) -> str:
    return f"{reader.__module__}.{reader.__qualname__}"


def _own(context: str, names: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in names if name.split(".")[0] == context)


def _event(declared: type[event.Event]) -> EventType:
    return EventType(
        at=origin.of_class(declared),
        key=declared.event_key,
        carries=declared.event_carries,
        version=declared.event_version,
        upcasts=sorted(upcaster.registry.get(event.type_name(declared), ())),
        schema=schema.of_type(declared),
    )


def _offer(view: type[lookups.LookupViewSet]) -> Offer:
    return Offer(at=origin.of_class(view), key=view.lookup_key, schema=offer.schema_of(view))


def _reads(context: str) -> dict[str, dict[str, Reader]]:
    found: dict[str, dict[str, Reader]] = {}
    for reader in lookups.readers:
        if reader.lookup_reader == context:
            found.setdefault(reader.lookup_of, {})[name_of(reader)] = reader_of(reader)
    return found


def reader_of(reader: type[lookups.Lookup]) -> Reader:
    """What one reader names of its lookup."""
    named = dict(_named(types.type_info(reader), "", ()))
    fields = {}
    for path, wanted in schema.fields_of(schema.of_type(reader)).items():
        cls, field = named[_nearest(path, named)]
        fields[path] = FieldRead(
            at=origin.of_field(cls, field.name),
            type=schema.told(wanted),
            optional=cls is not reader and not field.required,
        )
    return Reader(at=origin.of_class(reader), by=reader.lookup_by, fields=fields)


def _nearest(path: str, named: Mapping[str, Any]) -> str:
    """The path itself, or the field whose items or values it stands for."""
    while path not in named:
        path = path.removesuffix(schema.EACH).removesuffix(f".{schema.EVERY}")
    return path


def _named(
    info: types.Type, path: str, inside: tuple[type, ...]
) -> Iterator[tuple[str, tuple[type, types.Field]]]:
    """The class and field that each path of a reader's type stands for."""
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
            yield from _named(info.item_type, path + schema.EACH, inside)
        case types.DictType():
            yield from _named(info.value_type, f"{path}.{schema.EVERY}", inside)


def _hears(context: str) -> dict[str, dict[str, Hearing]]:
    found: dict[str, dict[str, Hearing]] = {}
    for each in subscription.hosted([context]):
        asks = sorted({name_of(reader) for reader in each.lookups.values()})
        hearing = Hearing(at=origin.of_function(each.handler), via=each.via, asks=asks)
        for type_name in each.types:
            found.setdefault(type_name, {})[each.name] = hearing
    return found
