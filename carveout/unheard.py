"""What passed a subscription unheard, and what is kept for another release: deliver, or leave out.

Exactly once: each step stores deliveries and what is still to do in one transaction.
"""

from collections.abc import Iterator
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from carveout import delivery, hearing, history, missed
from carveout.conf import get_settings
from carveout.errors import CursorMoved
from carveout.event import Place
from carveout.missed import Missed
from carveout.models import Cursor, Delivery
from carveout.subscription import Subscription


class Passed(NamedTuple):
    """What of one type passed a subscription on one partition."""

    place: Place
    missed: Missed
    many: int | None
    """None: not counted, because the log is elsewhere or too long."""

    def __str__(self) -> str:
        many = "some" if self.many is None else str(self.many)
        after, last = self.missed.after, self.missed.last
        return (
            f"{self.place[0]}.{self.place[1]}: {many} {self.missed.type} at {after + 1} to {last}"
        )


def passed(subscription: Subscription) -> list[Passed]:
    """What passed before its type was added, and nobody has decided about."""
    return [
        Passed(place, each, hearing.count(place, each))
        for row in _cursors(subscription).exclude(unheard="")
        for place in [(row.context, row.partition)]
        for each in missed.read(row.unheard)
    ]


def unknown(subscription: Subscription) -> list[str]:
    """The types that its cursors move for and the code here does not hear."""
    found = set()
    rows = _cursors(subscription).filter(context__in=subscription.sources)
    for context, hears in rows.values_list("context", "hears"):
        found |= set(hears.split()) - set(hearing.declared(subscription, context).split())
    return sorted(found)


def kept(subscription: Subscription) -> list[Delivery]:
    """Deliveries of types that the code here does not hear."""
    rows = Delivery.objects.using(subscription.database).filter(subscription=subscription.name)
    return [
        row
        for row in rows.exclude(state=Delivery.State.TRYING).iterator()
        if not subscription.hears(delivery.event_of(row))
    ]


def deliver(subscription: Subscription) -> Iterator[int]:
    """Store a delivery for each event that passed unheard and is still in the log.

    Gives: how many, step by step.
    Raises: HistoryGone: a row of the log is unreadable. LookupFailed: its owner did not answer.
    """
    for row, begins in _undecided(subscription):
        while missed.read(row.unheard):
            yield _step(subscription, row, begins)
            row.refresh_from_db()


def pruned(subscription: Subscription) -> list[str]:
    """Of which positions the log can't say any more what passed.

    Raises: LookupFailed: the log's owner did not answer.
    """
    lines = []
    for row, begins in _undecided(subscription):
        for each in missed.read(row.unheard):
            if (last := min(each.last, begins - 1)) > each.after:
                where = f"{row.context}.{row.partition}: {each.type} at {each.after + 1} to {last}"
                lines.append(f"{where} is pruned and can't be delivered")
    return lines


def accept(subscription: Subscription) -> int:
    """Leave out what passed, and let the cursors move for what is declared here only.

    What was kept of other types is discarded. Returns: how many deliveries that were.
    """
    with transaction.atomic(using=subscription.database):
        for row in _cursors(subscription).filter(context__in=subscription.sources):
            hears = hearing.declared(subscription, row.context)
            _cursors(subscription).filter(pk=row.pk).update(hears=hears, unheard="")
        ids = [row.pk for row in kept(subscription)]
        rows = Delivery.objects.using(subscription.database)
        return sum(
            delivery.discard(rows.filter(pk__in=ids[first : first + 500]))
            for first in range(0, len(ids), 500)
        )


def _undecided(subscription: Subscription) -> Iterator[tuple[Cursor, int]]:
    """The cursors that something passed unheard, and the first position that their log still has.

    Raises: LookupFailed: the log's owner did not answer.
    """
    for row in _cursors(subscription).exclude(unheard=""):
        yield row, history.extent(subscription.context, (row.context, row.partition)).first


def _step(subscription: Subscription, row: Cursor, begins: int) -> int:
    """One batch of the log, for the first type that is left."""
    first, *others = missed.read(row.unheard)
    place = (row.context, row.partition)
    after = max(first.after, begins - 1)
    events = history.read(subscription.context, place, after, get_settings().batch_rows)
    ours = [each for each in events if each.type == first.type and each.position <= first.last]
    after = events[-1].position if events else first.last
    left = missed.write([first._replace(after=after), *others])
    with transaction.atomic(using=subscription.database):
        rows = _cursors(subscription).filter(pk=row.pk, unheard=row.unheard)
        if not rows.update(unheard=left):
            raise CursorMoved(f"{row}: somebody else decided meanwhile; nothing was delivered.")
        delivery.store(subscription, ours, Delivery.State.WAITING)
    return len(ours)


def _cursors(subscription: Subscription) -> "QuerySet[Cursor]":
    rows = Cursor.objects.using(subscription.database).filter(subscription=subscription.name)
    return rows.order_by("context", "partition")
