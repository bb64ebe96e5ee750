"""A contract: the events and lookups of a context, and those that it needs of others."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec


class EventType(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event that a context publishes. `at` is a file and line, here and below."""

    at: str
    key: str
    carries: str = ""
    version: int = 1
    upcasts: list[int] = []
    """Older versions that its owner upcasts to the next one."""
    schema: dict[str, Any]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A lookup that a context offers to others."""

    at: str
    key: str
    schema: dict[str, Any]


class FieldRead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field that a reader declares, and its type."""

    at: str
    type: str
    optional: bool = False
    """Whether it has a default. A lookup's own fields never are: they are requested by name."""


class Reader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The fields that a context reads from a lookup, by path."""

    at: str
    by: str = ""
    fields: dict[str, FieldRead]


class SubscriptionUse(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription to an event, and the readers that its handler needs."""

    at: str
    via: str
    asks: list[str]


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """The contract of one context: events, lookups and needs, by full name."""

    context: str
    events: dict[str, EventType]
    lookups: dict[str, Offer]
    reads: dict[str, dict[str, Reader]]
    """By lookup, then by the reader's name with its module."""
    hears: dict[str, dict[str, SubscriptionUse]]
    """By event type, then by subscription."""


Contracts = Mapping[str, Contract]
"""By context."""


class LookupUse(NamedTuple):
    """One reader from all contracts."""

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


class EventUse(NamedTuple):
    """One event that one subscription handles, from all contracts."""

    context: str
    type: str
    subscription: str
    declared: SubscriptionUse

    @property
    def owner(self) -> str:
        return self.type.split(".")[0]


def label(name: str) -> str:
    """The last part of a dotted name."""
    return name.rsplit(".", 1)[-1]


def lookup_uses(contracts: Contracts) -> Iterator[LookupUse]:
    for context, contract in sorted(contracts.items()):
        for lookup, readers in sorted(contract.reads.items()):
            for name, reader in sorted(readers.items()):
                yield LookupUse(context, lookup, name, reader)


def event_uses(contracts: Contracts) -> Iterator[EventUse]:
    for context, contract in sorted(contracts.items()):
        for type_name, subscriptions in sorted(contract.hears.items()):
            for name, declared in sorted(subscriptions.items()):
                yield EventUse(context, type_name, name, declared)
