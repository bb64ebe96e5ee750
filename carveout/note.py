"""Notes: an attempt is written down before it is made, where a consumer died before.

A note is a delivery in state "trying". Nothing retries it, because its cursor has not passed it.
"""

from collections.abc import Collection, Mapping

from django.db import transaction
from django.db.models import F, QuerySet

from carveout import delivery, ending
from carveout.cursor import At
from carveout.ending import Outcome
from carveout.event import Place, ReceivedEvent
from carveout.models import Delivery
from carveout.subscription import Subscription


def add(subscription: Subscription, event: ReceivedEvent) -> int:
    """Write down that an event is about to be tried, before it is.

    Returns: the number of this attempt.
    """
    with transaction.atomic(using=subscription.database):
        delivery.store(subscription, [event], Delivery.State.TRYING)
        notes = _of(subscription, event)
        notes.update(attempts=F("attempts") + 1)
        return notes.values_list("attempts", flat=True).first() or 0


def take_back(subscription: Subscription, event: ReceivedEvent) -> None:
    """Count the last attempt no more: neither the event nor its handler is at fault."""
    _of(subscription, event).filter(attempts__gt=0).update(attempts=F("attempts") - 1)


def remove(subscription: Subscription, event: ReceivedEvent) -> None:
    """Forget the attempts, in the transaction that moves the cursor past the event."""
    _of(subscription, event).delete()


def give_up(subscription: Subscription, event: ReceivedEvent) -> None:
    """Turn the note into a dead delivery, in the transaction that moves the cursor past it."""
    for row in _of(subscription, event):
        ending.record(row, Outcome.GIVEN_UP, subscription.database, described=delivery.KILLED)
    _of(subscription, event).update(state=Delivery.State.DEAD, **delivery.KILLED)


def exist(subscriptions: Collection[str], place: Place, database: str) -> bool:
    """Was an attempt begun here that did not come to an end?"""
    return _at(subscriptions, place, database).exists()


def tidy(cursors: Mapping[str, At], place: Place, database: str) -> None:
    """Remove what a consumer wrote down that was killed, or paused until another came by."""
    for row in _at(cursors.keys(), place, database):
        if row.position <= cursors[row.subscription].position:
            row.delete()


def _of(subscription: Subscription, event: ReceivedEvent) -> "QuerySet[Delivery]":
    rows = Delivery.objects.using(subscription.database)
    return rows.filter(
        subscription=subscription.name, event_id=event.id, state=Delivery.State.TRYING
    )


def _at(subscriptions: Collection[str], place: Place, database: str) -> "QuerySet[Delivery]":
    return Delivery.objects.using(database).filter(
        subscription__in=subscriptions,
        context=place[0],
        partition=place[1],
        state=Delivery.State.TRYING,
    )
