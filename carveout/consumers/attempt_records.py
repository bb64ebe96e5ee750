"""Records attempts before they are made, where a consumer died before.

A record is a delivery in state "trying". Nothing retries it: the cursor has not passed its event.
"""

from collections.abc import Collection, Mapping

from django.db import transaction
from django.db.models import F, QuerySet

from carveout.deliveries import attempt_log, store
from carveout.deliveries.attempt_log import Outcome
from carveout.events.event import PartitionRef, ReceivedEvent
from carveout.models import Delivery
from carveout.subscriptions.cursors import CursorPosition
from carveout.subscriptions.subscription import Subscription


def begin_attempt(subscription: Subscription, event: ReceivedEvent) -> int:
    """Record that an event is about to be tried.

    Returns: the number of this attempt.
    """
    with transaction.atomic(using=subscription.database):
        store.park(subscription, [event], Delivery.State.TRYING)
        records = _of(subscription, event)
        records.update(attempts=F("attempts") + 1)
        return records.values_list("attempts", flat=True).first() or 0


def take_back(subscription: Subscription, event: ReceivedEvent) -> None:
    """Uncount the last attempt: neither the event nor its handler is at fault."""
    _of(subscription, event).filter(attempts__gt=0).update(attempts=F("attempts") - 1)


def end_attempt(subscription: Subscription, event: ReceivedEvent) -> None:
    """Delete the attempts, in the transaction that moves the cursor past the event."""
    _of(subscription, event).delete()


def mark_dead(subscription: Subscription, event: ReceivedEvent) -> None:
    """Turn the record into a dead delivery, in the transaction that moves the cursor past it."""
    for row in _of(subscription, event):
        attempt_log.record(row, Outcome.GIVEN_UP, subscription.database, described=store.CRASHED)
    _of(subscription, event).update(state=Delivery.State.DEAD, **store.CRASHED)


def has_unfinished(subscriptions: Collection[str], ref: PartitionRef, database: str) -> bool:
    """Whether an attempt was begun here that did not end."""
    return _at(subscriptions, ref, database).exists()


def clean_up(cursors: Mapping[str, CursorPosition], ref: PartitionRef, database: str) -> None:
    """Remove records of a consumer that was killed, or suspended until another passed it."""
    for row in _at(cursors.keys(), ref, database):
        if row.position <= cursors[row.subscription].position:
            row.delete()


def _of(subscription: Subscription, event: ReceivedEvent) -> "QuerySet[Delivery]":
    rows = Delivery.objects.using(subscription.database)
    return rows.filter(
        subscription=subscription.name, event_id=event.id, state=Delivery.State.TRYING
    )


def _at(subscriptions: Collection[str], ref: PartitionRef, database: str) -> "QuerySet[Delivery]":
    return Delivery.objects.using(database).filter(
        subscription__in=subscriptions,
        context=ref.context,
        partition=ref.number,
        state=Delivery.State.TRYING,
    )
