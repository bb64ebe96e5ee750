"""Runs this version of a handler over events of the log. Nothing of it stays."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.apps import apps

from carveout.conf import get_settings
from carveout.eventlog import remote
from carveout.events.event import PartitionRef, ReceivedEvent
from carveout.runtime.storable_text import said_by
from carveout.seams import handlers
from carveout.seams.effects.effects import Effects, Outside, RowImage
from carveout.seams.effects.undo import InUse, give_up_early
from carveout.seams.handlers import NotComparable, Ran
from carveout.subscriptions.subscription import Subscription

PAGE = 500
_encoder = msgspec.json.Encoder(decimal_format="number")


def events(subscription: Subscription, count: int) -> Iterator[ReceivedEvent]:
    """The last events of the log that a subscription handles, from each partition alike."""
    refs = [
        PartitionRef(context, number)
        for context in sorted(subscription.source_contexts)
        for number in range(remote.partitions(subscription.context, context))
    ]
    for ref in refs:
        yield from _events_of(subscription, ref, -(-count // len(refs)))


def _events_of(
    subscription: Subscription, ref: PartitionRef, count: int
) -> Iterator[ReceivedEvent]:
    kept = remote.log_range(subscription.context, ref)
    after = max(kept.first - 1, kept.head - count, 0)
    while after < kept.head:
        page = remote.read(subscription.context, ref, after, min(PAGE, kept.head - after))
        if not page:
            return
        yield from (event for event in page if subscription.handles(event))
        after = page[-1].position


def run(subscription: Subscription, count: int, *, emptied: bool) -> Iterator[str]:
    """Run the handler for each of the last events, each as if the others were not handled.

    emptied: without rows in the context's tables. They are deleted in a transaction that is rolled
        back at the end, and that locks them until then.

    Gives: for each event a line of JSON, as `read` takes it.
    """
    database = subscription.database
    with _emptied(subscription) if emptied else nullcontext():
        for event in events(subscription, count):
            with handlers.rolled_back(database):
                give_up_early(database)
                line = _line(subscription, event)
            yield line


def _line(subscription: Subscription, event: ReceivedEvent) -> str:
    try:
        ran = handlers.run([subscription], event, subscription.database)
    except (InUse, NotComparable) as reason:
        return _encoded(key=event.key, unknown=said_by(reason))
    rows = [(each.table, each.before, each.after) for each in ran.effects.rows]
    return _encoded(
        key=event.key,
        began_at=ran.began_at.isoformat(),
        ended_at=ran.ended_at.isoformat(),
        raised=ran.raised,
        outside=asdict(ran.effects.outside),
        rows=rows,
    )


def _encoded(**parts: Any) -> str:
    return _encoder.encode(parts).decode()


def read(line: str) -> tuple[str, Ran | str]:
    """The key of an event and what was done for it, or why nobody can tell."""
    parts = json.loads(line, parse_float=Decimal)
    if "unknown" in parts:
        return parts["key"], parts["unknown"]
    effects = Effects([RowImage(*each) for each in parts["rows"]], Outside(**parts["outside"]))
    began_at, ended_at = (datetime.fromisoformat(parts[at]) for at in ("began_at", "ended_at"))
    return parts["key"], Ran(effects, began_at, ended_at, parts["raised"])


@contextmanager
def _emptied(subscription: Subscription) -> Iterator[None]:
    """Inside the block the tables of the subscription's context are empty."""
    database, settings = subscription.database, get_settings()
    with handlers.rolled_back(database):
        for model in apps.get_models(include_auto_created=True):
            owner = settings.context_of(model.__module__)
            if owner and owner.name == subscription.context and model._meta.managed:
                model._base_manager.using(database).all()._raw_delete(database)
        yield
