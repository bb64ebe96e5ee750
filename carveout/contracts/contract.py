"""A contract: what a context announces and offers, and what it needs of the others."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec


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
