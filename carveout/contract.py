"""Contracts: what a context announces and offers, and what it needs of the others.

One file each, `contracts/<context>.json`, lies beside the code. The needs are in it too, so that a
deployment of one context knows what the others would miss.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect as types

from carveout import event, lookups, offer, origin, schema, subscription, upcaster
from carveout.conf import get_settings
from carveout.errors import DeclarationInvalid

FOLDER = "contracts"
"""In the project's root."""


class EventType(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a context announces. `at` is a file and line, here and below."""

    at: str
    key: str
    carries: str = ""
    version: int = 1
    upcasts: list[int] = []
    """Older versions that its owner turns into the next one."""
    schema: dict[str, Any]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a context lets others look up."""

    at: str
    key: str
    schema: dict[str, Any]


class FieldRead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field that a reader names, and the type that it gives it."""

    at: str
    type: str
    optional: bool = False
    """The reader has a default. The lookup's own fields never are: they are asked for by name."""


class Reader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a context reads of a lookup, by path."""

    at: str
    by: str = ""
    fields: dict[str, FieldRead]


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription that hears an event, and the readers that its handler asks for."""

    at: str
    via: str
    asks: list[str]


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """Of one context: events and lookups by full name, and its needs of others by theirs."""

    context: str
    events: dict[str, EventType]
    lookups: dict[str, Offer]
    reads: dict[str, dict[str, Reader]]
    """By lookup, then by the reader's name with its module."""
    hears: dict[str, dict[str, Hearing]]
    """By event type, then by subscription."""


Contracts = Mapping[str, Contract]
"""By context."""


class Read(NamedTuple):
    """One reader, out of all contracts."""

    context: str
    lookup: str
    name: str
    reader: Reader

    @property
    def owner(self) -> str:
        return self.lookup.split(".")[0]

    @property
    def label(self) -> str:
        return label(self.name)


class Heard(NamedTuple):
    """One event that one subscription hears, out of all contracts."""

    context: str
    type: str
    subscription: str
    hearing: Hearing

    @property
    def owner(self) -> str:
        return self.type.split(".")[0]


def label(name: str) -> str:
    """The last part of a dotted name."""
    return name.rsplit(".", 1)[-1]


def reads(contracts: Contracts) -> Iterator[Read]:
    for context, contract in sorted(contracts.items()):
        for lookup, readers in sorted(contract.reads.items()):
            for name, reader in sorted(readers.items()):
                yield Read(context, lookup, name, reader)


def hears(contracts: Contracts) -> Iterator[Heard]:
    for context, contract in sorted(contracts.items()):
        for type_name, subscriptions in sorted(contract.hears.items()):
            for name, hearing in sorted(subscriptions.items()):
                yield Heard(context, type_name, name, hearing)


# -- In files ----------------------------------------------------------------------------------


def default_folder() -> Path:
    return origin.root() / FOLDER


def path_of(context: str, folder: Path) -> Path:
    return folder / f"{context}.json"


def encode(contract: Contract) -> str:
    """The same text for the same contract, with keys in order and a line end at the end."""
    data = msgspec.json.encode(contract, order="sorted")
    return msgspec.json.format(data, indent=2).decode() + "\n"


def stored(context: str, folder: Path) -> Contract | None:
    """The contract in its file; None if there is no file.

    Raises: DeclarationInvalid: the file holds something else.
    """
    path = path_of(context, folder)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Contract)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise DeclarationInvalid(
            f"{path} is no contract: {error}. Write it anew with `manage.py contracts --write`"
            f" where {context} is hosted."
        ) from error


def known(folder: Path) -> dict[str, Contract]:
    """What is true now: of the code for the contexts hosted here, of the files for the others."""
    settings = get_settings()
    found = {
        name: declared(name) if settings.hosts(name) else stored(name, folder)
        for name in settings.contexts
    }
    return {name: contract for name, contract in found.items() if contract}


# -- Out of the code ---------------------------------------------------------------------------


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
            found.setdefault(reader.lookup_of, {})[name_of(reader)] = _reader(reader)
    return found


def _reader(reader: type[lookups.Lookup]) -> Reader:
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
