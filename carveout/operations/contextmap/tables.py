"""The map as table rows: subscriptions and lookups, and the text of what is observed."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from carveout.contracts.contract import label
from carveout.operations.age import in_words
from carveout.operations.contextmap import troubles
from carveout.operations.contextmap.context_map import ContextMap
from carveout.operations.contextmap.downstream import Downstream
from carveout.operations.contextmap.observed import Observed

Cells = dict[str, str]
"""Text by cell, such as "lag orders.follow_stock"."""


class EventUseRow(NamedTuple):
    """One subscription to one event. `of` lists what it belongs to on the picture."""

    event: str
    event_at: str
    carries: str
    publisher: str
    subscription: str
    context: str
    via: str
    asks: list[str]
    at: str
    of: str
    highlight: str

    @property
    def label(self) -> str:
        return label(self.event)


class SubscriptionRow(NamedTuple):
    """One subscription, with what is known of all its events together."""

    name: str
    context: str
    via: str
    hears: list[str]
    at: str
    of: str


class LookupRow(NamedTuple):
    lookup: str
    lookup_at: str
    owner: str
    reader: str
    context: str
    fields: list[str]
    asked_by: list[str]
    at: str
    of: str


def event_uses(drawn: ContextMap, follows: Downstream | None = None) -> Iterator[EventUseRow]:
    """An event without subscribers has a row too, without a subscription."""
    known = {each.name: each for each in drawn.subscriptions}
    for event in drawn.events:
        own = f"context:{event.publisher} event:{event.type}"
        highlight = _highlight(event.type, follows)
        start = (event.type, event.at, event.carries, event.publisher)
        if not event.heard_by:
            yield EventUseRow(*start, "", "", "", [], "", own, highlight)
        for name in event.heard_by:
            each = known[name]
            of = f"{own} context:{each.context} events:{event.publisher}:{each.context}"
            asks = [label(reader) for reader in each.asks]
            yield EventUseRow(*start, name, each.context, each.via, asks, each.at, of, highlight)


def subscriptions(drawn: ContextMap) -> Iterator[SubscriptionRow]:
    for each in drawn.subscriptions:
        owners = sorted({name.split(".")[0] for name in each.hears})
        of = [f"context:{each.context}", *(f"event:{name}" for name in each.hears)]
        of += [f"events:{owner}:{each.context}" for owner in owners]
        yield SubscriptionRow(each.name, each.context, each.via, each.hears, each.at, " ".join(of))


def lookups(drawn: ContextMap) -> Iterator[LookupRow]:
    """A lookup without readers has a row too, without a reader."""
    for lookup in drawn.lookups:
        own = f"context:{lookup.owner}"
        start = (lookup.name, lookup.at, lookup.owner)
        if not lookup.read_by:
            yield LookupRow(*start, "", "", [], [], "", own)
        for each in lookup.read_by:
            of = f"{own} context:{each.context} lookups:{each.context}:{lookup.owner}"
            yield LookupRow(
                *start, label(each.name), each.context, each.named, each.asked_by, each.at, of
            )


def live_cells(seen: Observed) -> dict[str, Any]:
    """For the page: its cells, what is wrong, and what could not be read."""
    cells: Cells = {}
    for name, each in seen.subscriptions.items():
        for type_name, handled in each.types.items():
            cells[f"heard {name} {type_name}"] = f"{handled.count:,}"
            cells[f"last {name} {type_name}"] = ago(handled.last, seen.at)
        for type_name, failed in each.failures.items():
            cells[f"failed {name} {type_name}"] = f"{failed.count:,}"
        cells[f"lag {name}"] = "" if each.lag is None else f"{each.lag:,}"
        for state in ("waiting", "queued", "dead"):
            cells[f"{state} {name}"] = f"{getattr(each, state):,}"
    for name, logged in seen.events.items():
        cells[f"logged {name}"] = f"{logged.count:,} in total, the last {ago(logged.last, seen.at)}"
    for name, asked in seen.lookups.items():
        cells[f"requests {name}"] = f"{asked.requests:,}"
        cells[f"refused {name}"] = f"{asked.failed:,}"
        cells[f"took {name}"] = f"{asked.mean_ms:,.1f} ms"
        cells[f"asked {name}"] = ago(asked.asked_at, seen.at)
    return {
        "cells": cells,
        "levels": {each.cell: troubles.KINDS[each.kind] for each in troubles.found(seen)},
        "troubles": troubles.shown(seen),
        "unread": seen.unread,
        "at": _clock(seen.at),
    }


def ago(then: float, now: float) -> str:
    """How long ago; empty if it is not known."""
    return f"{in_words(now - then)} ago" if then else ""


def _clock(at: float) -> str:
    """A time in the time zone of all pages, with the zone's name."""
    zone = timezone.get_current_timezone()
    moment = datetime.fromtimestamp(at or time.time(), zone)
    return f"{moment:%H:%M:%S} {timezone.get_current_timezone_name()}"


def _highlight(event: str, follows: Downstream | None) -> str:
    if follows is None or event not in follows.events:
        return ""
    return "sure" if follows.events[event] else "may"
