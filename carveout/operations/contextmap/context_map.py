"""Builds the map: which context publishes what to whom, and which reads which lookups.

It is built from the contracts. Run-time observations are added if they were gathered.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from carveout.conf import get_settings
from carveout.contracts.contract import Contracts, LookupUse, event_uses, lookup_uses
from carveout.contracts.json_schema import EACH
from carveout.contracts.needs import event_uses_that_need, unmet
from carveout.contracts.violation import Violation
from carveout.operations.contextmap.drift import differences
from carveout.operations.contextmap.lookup_cycles import cycles
from carveout.operations.contextmap.observed import Observed


class MappedContext(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    hosted: bool
    known: bool
    """It is hosted here, or its contract is available."""


class MappedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """`publisher` is a context. `at` is empty if nobody declares the event."""

    type: str
    publisher: str
    at: str
    key: str
    carries: str
    heard_by: list[str]


class MappedSubscription(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    context: str
    at: str
    via: str
    hears: list[str]
    asks: list[str]


class MappedReader(msgspec.Struct, frozen=True, kw_only=True):
    """`asked_by` are subscriptions; empty if only pages or services use it."""

    name: str
    context: str
    at: str
    fields: list[str]
    asked_by: list[str]

    @property
    def named(self) -> list[str]:
        """The fields that it reads, without those that only contain other fields."""
        holders = {path.rsplit(".", 1)[0] for path in self.fields if "." in path}
        holders |= {path.removesuffix(EACH) for path in self.fields if path.endswith(EACH)}
        return [path for path in self.fields if path not in holders]


class MappedLookup(msgspec.Struct, frozen=True, kw_only=True):
    """`at` is empty if nobody offers the lookup."""

    name: str
    owner: str
    at: str
    key: str
    read_by: list[MappedReader]


class ContextMap(msgspec.Struct, frozen=True, kw_only=True):
    contexts: list[MappedContext]
    events: list[MappedEvent]
    subscriptions: list[MappedSubscription]
    lookups: list[MappedLookup]
    observed: Observed | None = None


def draw(contracts: Contracts, observed: Observed | None = None) -> ContextMap:
    return ContextMap(
        contexts=list(_contexts(contracts)),
        events=list(_events(contracts)),
        subscriptions=list(_subscriptions(contracts)),
        lookups=list(_lookups(contracts)),
        observed=observed,
    )


def check(contracts: Contracts, observed: Observed | None = None) -> Iterator[Violation]:
    """Yields what is broken, events without subscribers, and differences from what runs."""
    yield from unmet(contracts)
    yield from cycles(contracts)
    yield from _unheard(contracts)
    if observed:
        yield from differences(contracts, observed)


def _unheard(contracts: Contracts) -> Iterator[Violation]:
    if len(contracts) < len(get_settings().contexts):
        return  # a context whose contract is not known may subscribe
    for event in _events(contracts):
        if not event.heard_by:
            yield Violation(event.at, f"nobody subscribes to {event.type}.", is_error=False)


def _contexts(contracts: Contracts) -> Iterator[MappedContext]:
    settings = get_settings()
    for name in sorted(settings.contexts):
        yield MappedContext(name=name, hosted=settings.hosts(name), known=name in contracts)


def _events(contracts: Contracts) -> Iterator[MappedEvent]:
    subscribers: dict[str, list[str]] = {}
    for each in event_uses(contracts):
        subscribers.setdefault(each.type, []).append(each.subscription)
    declared = {name: event for of in contracts.values() for name, event in of.events.items()}
    for name in sorted(declared.keys() | subscribers):
        event = declared.get(name)
        yield MappedEvent(
            type=name,
            publisher=name.split(".")[0],
            at=event.at if event else "",
            key=event.key if event else "",
            carries=event.carries if event else "",
            heard_by=subscribers.get(name, []),
        )


def _subscriptions(contracts: Contracts) -> Iterator[MappedSubscription]:
    types_of: dict[str, list[str]] = {}
    uses: dict[str, Any] = {}
    for each in event_uses(contracts):
        types_of.setdefault(each.subscription, []).append(each.type)
        uses[each.subscription] = each
    for name, each in sorted(uses.items()):
        yield MappedSubscription(
            name=name,
            context=each.context,
            at=each.declared.at,
            via=each.declared.via,
            hears=types_of[name],
            asks=each.declared.asks,
        )


def _lookups(contracts: Contracts) -> Iterator[MappedLookup]:
    readers: dict[str, list[LookupUse]] = {}
    for lookup_use in lookup_uses(contracts):
        readers.setdefault(lookup_use.lookup, []).append(lookup_use)
    offered = {name: offer for of in contracts.values() for name, offer in of.lookups.items()}
    for name in sorted(offered.keys() | readers):
        offer = offered.get(name)
        yield MappedLookup(
            name=name,
            owner=name.split(".")[0],
            at=offer.at if offer else "",
            key=offer.key if offer else "",
            read_by=[_reader(lookup_use, contracts) for lookup_use in readers.get(name, [])],
        )


def _reader(lookup_use: LookupUse, contracts: Contracts) -> MappedReader:
    return MappedReader(
        name=lookup_use.name,
        context=lookup_use.context,
        at=lookup_use.reader.at,
        fields=sorted(lookup_use.reader.fields),
        asked_by=sorted(
            {event_use.subscription for event_use in event_uses_that_need(lookup_use, contracts)}
        ),
    )
