"""Turns: which deliveries may run now, and which wait for an earlier one of their key."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connections
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from carveout.event import ReceivedEvent
from carveout.models import Cursor, Delivery
from carveout.subscription import Subscription

RUNNABLE = (Delivery.State.WAITING, Delivery.State.QUEUED)

Handed = tuple[int, datetime | None]
"""A delivery that was handed to a job, and until when a run claimed it."""


def any_due(database: str) -> bool:
    """Is there anything for `due`? Asked often, and mostly answered with no."""
    connection = connections[database]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_ANY_DUE, [*RUNNABLE, now])
        return cursor.fetchone() is not None


_ANY_DUE = "SELECT 1 FROM carveout_delivery WHERE state IN (%s, %s) AND due_at <= %s LIMIT 1"


def due(subscriptions: Collection[Subscription], database: str, limit: int) -> list[Delivery]:
    """Deliveries that wait no longer; one per key if ordered."""
    rows = _free(subscriptions, database).filter(state=Delivery.State.WAITING)
    return list(rows.order_by("due_at", "id")[:limit])


def handed_over(subscriptions: Collection[Subscription], database: str) -> list[Handed]:
    """Deliveries that had a job long enough; one per key if ordered."""
    rows = _free(subscriptions, database).filter(state=Delivery.State.QUEUED)
    return list(rows.values_list("pk", "claimed_until"))


def _free(subscriptions: Collection[Subscription], database: str) -> "QuerySet[Delivery]":
    """Deliveries that are due, whose turn it is, and that nobody runs."""
    now = timezone.now()
    rows = _rows(database).filter(
        Q(claimed_until=None) | Q(claimed_until__lt=now),
        ~is_paused(),
        subscription__in=[s.name for s in subscriptions],
        due_at__lte=now,
    )
    ordered = [s.name for s in subscriptions if s.ordered]
    return rows.filter(~Q(subscription__in=ordered) | ~has_earlier()) if ordered else rows


def ids_of(subscription: Subscription, events: Sequence[ReceivedEvent]) -> list[int]:
    """The deliveries of these events that may run now."""
    rows = _rows(subscription.database).filter(
        subscription=subscription.name, event_id__in=[event.id for event in events]
    )
    if subscription.ordered:
        rows = rows.filter(~has_earlier())
    return list(rows.order_by("id").values_list("id", flat=True))


def blocked_keys(subscription: Subscription, events: Sequence[ReceivedEvent]) -> set[str]:
    """The keys whose earlier events this ordered subscription has not done yet."""
    rows = (
        _rows(subscription.database)
        .filter(subscription=subscription.name, key__in={event.key for event in events})
        .exclude(state=Delivery.State.TRYING)
    )
    return set(rows.values_list("key", flat=True))


def next_of_key(delivery: Delivery, database: str) -> int | None:
    """The delivery that waits behind this one."""
    rows = _rows(database).filter(
        ~has_earlier(),
        subscription=delivery.subscription,
        context=delivery.context,
        key=delivery.key,
    )
    return rows.values_list("pk", flat=True).first()


def is_paused() -> Exists:
    """A person has the subscription paused."""
    cursors = Cursor.objects.filter(paused_at__isnull=False)
    return Exists(cursors.filter(subscription=OuterRef("subscription")))


def has_earlier() -> Exists:
    """An earlier event of its key is not done."""
    return Exists(
        Delivery.objects.filter(
            subscription=OuterRef("subscription"),
            key=OuterRef("key"),
            context=OuterRef("context"),
        )
        # In another partition there is what came before the log was divided anew, or after it.
        .filter(
            Q(partition=OuterRef("partition"), position__lt=OuterRef("position"))
            | (~Q(partition=OuterRef("partition")) & Q(pk__lt=OuterRef("pk")))
        )
        .exclude(state=Delivery.State.TRYING)
    )


def _rows(database: str) -> "QuerySet[Delivery]":
    return Delivery.objects.using(database)
