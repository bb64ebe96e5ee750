"""Delivers or skips events that a subscription missed, or that are kept for another release.

Exactly once: each step stores deliveries and the remaining work in one transaction.
"""

from collections.abc import Iterator
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from carveout.conf import get_settings
from carveout.deliveries import store
from carveout.errors import CursorMoved
from carveout.eventlog import remote
from carveout.events import missed
from carveout.events.event import PartitionRef
from carveout.events.missed import Missed
from carveout.models import Cursor, Delivery
from carveout.subscriptions import handled_types
from carveout.subscriptions.subscription import Subscription


class PassedUnheard(NamedTuple):
    """Events of one type that a subscription missed on one partition."""

    ref: PartitionRef
    missed: Missed
    many: int | None
    """None: not counted, because the log is elsewhere or too long."""

    def __str__(self) -> str:
        many = "some" if self.many is None else str(self.many)
        after, last = self.missed.after, self.missed.last
        return f"{self.ref}: {many} {self.missed.type} at {after + 1} to {last}"


def passed(subscription: Subscription) -> list[PassedUnheard]:
    """Events missed before their type was added, and not decided about yet."""
    return [
        PassedUnheard(ref, each, handled_types.count(ref, each))
        for row in _cursors(subscription).exclude(unheard="")
        for ref in [PartitionRef(row.context, row.partition)]
        for each in missed.read(row.unheard)
    ]


def unknown(subscription: Subscription) -> list[str]:
    """The types that its cursors move for but the code here does not handle."""
    found = set()
    rows = _cursors(subscription).filter(context__in=subscription.source_contexts)
    for context, types in rows.values_list("context", "hears"):
        found |= set(types.split()) - set(handled_types.declared(subscription, context).split())
    return sorted(found)


def kept(subscription: Subscription) -> list[Delivery]:
    """Deliveries of types that the code here does not handle."""
    rows = Delivery.objects.using(subscription.database).filter(subscription=subscription.name)
    return [
        row
        for row in rows.exclude(state=Delivery.State.TRYING).iterator()
        if not subscription.handles(store.event_of(row))
    ]


def deliver(subscription: Subscription) -> Iterator[int]:
    """Store a delivery for each missed event that is still in the log.

    Yields: how many, step by step.
    Raises: HistoryGone: a row of the log is unreadable. LookupFailed: its owner did not answer.
    """
    for row, begins in _undecided(subscription):
        while missed.read(row.unheard):
            yield _step(subscription, row, begins)
            row.refresh_from_db()


def pruned(subscription: Subscription) -> list[str]:
    """Missed positions that are no longer in the log.

    Raises: LookupFailed: the log's owner did not answer.
    """
    lines = []
    for row, begins in _undecided(subscription):
        for each in missed.read(row.unheard):
            if (last := min(each.last, begins - 1)) > each.after:
                where = f"{row.context}.{row.partition}: {each.type} at {each.after + 1} to {last}"
                lines.append(f"{where} are pruned and can't be delivered")
    return lines


def accept(subscription: Subscription) -> int:
    """Skip missed events, and let the cursors move only for the types declared here.

    Kept deliveries of other types are discarded. Returns: how many.
    """
    with transaction.atomic(using=subscription.database):
        for row in _cursors(subscription).filter(context__in=subscription.source_contexts):
            types = handled_types.declared(subscription, row.context)
            _cursors(subscription).filter(pk=row.pk).update(hears=types, unheard="")
        ids = [row.pk for row in kept(subscription)]
        rows = Delivery.objects.using(subscription.database)
        return sum(
            store.discard(rows.filter(pk__in=ids[first : first + 500]))
            for first in range(0, len(ids), 500)
        )


def _undecided(subscription: Subscription) -> Iterator[tuple[Cursor, int]]:
    """The cursors with missed events, and the first position that their log still has.

    Raises: LookupFailed: the log's owner did not answer.
    """
    for row in _cursors(subscription).exclude(unheard=""):
        ref = PartitionRef(row.context, row.partition)
        yield row, remote.log_range(subscription.context, ref).first


def _step(subscription: Subscription, row: Cursor, begins: int) -> int:
    """Deliver one batch of the log, for the first remaining type."""
    first, *others = missed.read(row.unheard)
    ref = PartitionRef(row.context, row.partition)
    after = max(first.after, begins - 1)
    events = remote.read(subscription.context, ref, after, get_settings().batch_rows)
    ours = [each for each in events if each.type == first.type and each.position <= first.last]
    after = events[-1].position if events else first.last
    left = missed.write([first._replace(after=after), *others])
    with transaction.atomic(using=subscription.database):
        rows = _cursors(subscription).filter(pk=row.pk, unheard=row.unheard)
        if not rows.update(unheard=left):
            raise CursorMoved(f"{row}: already decided elsewhere; nothing was delivered.")
        store.park(subscription, ours, Delivery.State.WAITING)
    return len(ours)


def _cursors(subscription: Subscription) -> "QuerySet[Cursor]":
    rows = Cursor.objects.using(subscription.database).filter(subscription=subscription.name)
    return rows.order_by("context", "partition")
