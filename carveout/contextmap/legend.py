"""The map in rows: every hearing and every reading, and the words for what is seen of them."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from carveout.contextmap.downstream import Downstream
from carveout.contextmap.mapped import ContextMap
from carveout.contextmap.observed import Observed
from carveout.contracts.contract import label

Cells = dict[str, str]
"""What is seen, by what and about whom: "lag orders.follow_stock"."""


class HearingRow(NamedTuple):
    """One subscription hears one event. `of` are the things on the picture that it belongs to."""

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
    lit: str

    @property
    def label(self) -> str:
        return label(self.event)


class SubscriptionRow(NamedTuple):
    """One subscription, with what is known of all that it hears together."""

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


def hearings(drawn: ContextMap, follows: Downstream | None = None) -> Iterator[HearingRow]:
    """An event that nobody hears has a row too, without a subscription."""
    known = {each.name: each for each in drawn.subscriptions}
    for event in drawn.events:
        own = f"context:{event.publisher} event:{event.type}"
        lit = _lit(event.type, follows)
        start = (event.type, event.at, event.carries, event.publisher)
        if not event.heard_by:
            yield HearingRow(*start, "", "", "", [], "", own, lit)
        for name in event.heard_by:
            each = known[name]
            of = f"{own} context:{each.context} events:{event.publisher}:{each.context}"
            asks = [label(reader) for reader in each.asks]
            yield HearingRow(*start, name, each.context, each.via, asks, each.at, of, lit)


def subscriptions(drawn: ContextMap) -> Iterator[SubscriptionRow]:
    for each in drawn.subscriptions:
        owners = sorted({name.split(".")[0] for name in each.hears})
        of = [f"context:{each.context}", *(f"event:{name}" for name in each.hears)]
        of += [f"events:{owner}:{each.context}" for owner in owners]
        yield SubscriptionRow(each.name, each.context, each.via, each.hears, each.at, " ".join(of))


def lookups(drawn: ContextMap) -> Iterator[LookupRow]:
    """A lookup that nobody reads has a row too, without a reader."""
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


def live(seen: Observed) -> dict[str, Any]:
    """For the page: its cells, those that are bad news, and what could not be looked at."""
    cells: Cells = {}
    for name, each in seen.subscriptions.items():
        for type_name, heard in each.types.items():
            cells[f"heard {name} {type_name}"] = f"{heard.count:,}"
            cells[f"last {name} {type_name}"] = ago(heard.last, seen.at)
        for type_name, failed in each.failures.items():
            cells[f"failed {name} {type_name}"] = f"{failed.count:,}"
        cells[f"lag {name}"] = "" if each.lag is None else f"{each.lag:,}"
        cells[f"waiting {name}"] = f"{each.waiting:,}"
        cells[f"dead {name}"] = f"{each.dead:,}"
    for name, logged in seen.events.items():
        cells[f"logged {name}"] = f"{logged.count:,} in all, the last {ago(logged.last, seen.at)}"
    for name, asked in seen.lookups.items():
        cells[f"requests {name}"] = f"{asked.requests:,}"
        cells[f"refused {name}"] = f"{asked.failed:,}"
        cells[f"took {name}"] = f"{asked.mean_ms:,.1f} ms"
        cells[f"asked {name}"] = ago(asked.asked_at, seen.at)
    return {"cells": cells, "bad": bad(seen), "unread": seen.unread, "at": _clock(seen.at)}


def bad(seen: Observed) -> list[str]:
    """The cells that somebody should look at."""
    return [
        f"{what} {name}"
        for name, each in seen.subscriptions.items()
        for what, count in (("waiting", each.waiting), ("dead", each.dead))
        if count
    ]


def ago(then: float, now: float) -> str:
    """A time in words; nothing if it is not known."""
    if not then:
        return ""
    seconds = max(int(now - then), 0)
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return f"{seconds} s ago" if seconds else "now"


def _clock(at: float) -> str:
    """In the time zone of all pages, by its name."""
    zone = timezone.get_current_timezone()
    moment = datetime.fromtimestamp(at or time.time(), zone)
    return f"{moment:%H:%M:%S} {timezone.get_current_timezone_name()}"


def _lit(event: str, follows: Downstream | None) -> str:
    if follows is None or event not in follows.events:
        return ""
    return "sure" if follows.events[event] else "may"
