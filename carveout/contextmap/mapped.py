"""The map: who announces what to whom, and who looks up which fields of what.

The contracts declare it; what is seen at run time stands beside it, if somebody looked.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from carveout.conf import get_settings
from carveout.contextmap.contrast import contrast
from carveout.contextmap.cycle import cycles
from carveout.contextmap.observed import Observed
from carveout.contracts.contract import Contracts, Read, hears, reads
from carveout.contracts.needs import askers, unmet
from carveout.contracts.schema import EACH
from carveout.remark import Remark


class MappedContext(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    hosted: bool
    known: bool
    """It is hosted here or its contract is there."""


class MappedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """`publisher` is a context. `at` is empty if the event is heard and nobody declares it."""

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
    """`asked_by` are subscriptions; none, if only pages or services use it."""

    name: str
    context: str
    at: str
    fields: list[str]
    asked_by: list[str]

    @property
    def named(self) -> list[str]:
        """The fields that it names, without what only holds other fields."""
        holders = {path.rsplit(".", 1)[0] for path in self.fields if "." in path}
        holders |= {path.removesuffix(EACH) for path in self.fields if path.endswith(EACH)}
        return [path for path in self.fields if path not in holders]


class MappedLookup(msgspec.Struct, frozen=True, kw_only=True):
    """`at` is empty if the lookup is read and nobody offers it."""

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


def check(contracts: Contracts, observed: Observed | None = None) -> Iterator[Remark]:
    """What the map shows to be broken, events that nobody hears, and what is seen otherwise."""
    yield from unmet(contracts)
    yield from cycles(contracts)
    yield from _unheard(contracts)
    if observed:
        yield from contrast(contracts, observed)


def _unheard(contracts: Contracts) -> Iterator[Remark]:
    if len(contracts) < len(get_settings().contexts):
        return  # somebody may, of whom nothing is known here
    for event in _events(contracts):
        if not event.heard_by:
            yield Remark(event.at, f"nobody hears {event.type}.", broken=False)


def _contexts(contracts: Contracts) -> Iterator[MappedContext]:
    settings = get_settings()
    for name in sorted(settings.contexts):
        yield MappedContext(name=name, hosted=settings.hosts(name), known=name in contracts)


def _events(contracts: Contracts) -> Iterator[MappedEvent]:
    hearers: dict[str, list[str]] = {}
    for each in hears(contracts):
        hearers.setdefault(each.type, []).append(each.subscription)
    declared = {name: event for of in contracts.values() for name, event in of.events.items()}
    for name in sorted(declared.keys() | hearers):
        event = declared.get(name)
        yield MappedEvent(
            type=name,
            publisher=name.split(".")[0],
            at=event.at if event else "",
            key=event.key if event else "",
            carries=event.carries if event else "",
            heard_by=hearers.get(name, []),
        )


def _subscriptions(contracts: Contracts) -> Iterator[MappedSubscription]:
    heard: dict[str, list[str]] = {}
    hearings: dict[str, Any] = {}
    for each in hears(contracts):
        heard.setdefault(each.subscription, []).append(each.type)
        hearings[each.subscription] = each
    for name, each in sorted(hearings.items()):
        yield MappedSubscription(
            name=name,
            context=each.context,
            at=each.hearing.at,
            via=each.hearing.via,
            hears=heard[name],
            asks=each.hearing.asks,
        )


def _lookups(contracts: Contracts) -> Iterator[MappedLookup]:
    readers: dict[str, list[Read]] = {}
    for read in reads(contracts):
        readers.setdefault(read.lookup, []).append(read)
    offered = {name: offer for of in contracts.values() for name, offer in of.lookups.items()}
    for name in sorted(offered.keys() | readers):
        offer = offered.get(name)
        yield MappedLookup(
            name=name,
            owner=name.split(".")[0],
            at=offer.at if offer else "",
            key=offer.key if offer else "",
            read_by=[_reader(read, contracts) for read in readers.get(name, [])],
        )


def _reader(read: Read, contracts: Contracts) -> MappedReader:
    return MappedReader(
        name=read.name,
        context=read.context,
        at=read.reader.at,
        fields=sorted(read.reader.fields),
        asked_by=sorted({heard.subscription for heard in askers(read, contracts)}),
    )
