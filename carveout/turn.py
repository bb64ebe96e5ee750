"""Turns: which deliveries may run now, and which wait for an earlier one of their key."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import connections
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from carveout.conf import get_settings
from carveout.event import ReceivedEvent
from carveout.models import Cursor, Delivery
from carveout.subscription import Subscription, registry

logger = logging.getLogger(__name__)

CLAIM_MARGIN_S = 15
"""How long after its time limit a run is believed dead."""
SWEEP_AFTER_S = 5
"""How long a job may be without a trace before it is looked for in Redis."""
MARGIN = timedelta(minutes=1)
"""By how much clocks may differ."""
CLOCK_WAS_WRONG = (
    "%d deliveries were to wait longer than any may: a clock was wrong. They are tried now. Let NTP"
    " set the clocks of all machines."
)
RUNNABLE = (Delivery.State.WAITING, Delivery.State.QUEUED)

Handed = tuple[int, datetime | None]
"""A delivery that was handed to a job, and until when a run claimed it."""


def any_due(database: str) -> bool:
    """Is there anything for `due`? Asked often, and mostly answered with no.

    What a wrong clock made late is due from now on.
    """
    connection, now = connections[database], timezone.now()
    latest = now + longest_wait()
    stored = [connection.ops.adapt_datetimefield_value(each) for each in (now, latest)]
    with connection.cursor() as cursor:
        cursor.execute(_ANY_DUE, [*RUNNABLE, stored[0], *RUNNABLE, stored[1]])
        any_due, any_misdated = cursor.fetchone()
    if any_misdated:
        late = _rows(database).filter(state__in=RUNNABLE, due_at__gt=latest)
        logger.warning(CLOCK_WAS_WRONG, late.update(due_at=now))
    return bool(any_due or any_misdated)


# Each is one look at the index.
_ANY_DUE = """
    SELECT EXISTS (SELECT 1 FROM carveout_delivery WHERE state IN (%s, %s) AND due_at <= %s),
        EXISTS (SELECT 1 FROM carveout_delivery WHERE state IN (%s, %s) AND due_at > %s)
"""


# A clock that was wrong writes times that are far off. What it made late is tried at once, and what
# it claimed for long is free: nobody could rightly have written that.


def longest_wait() -> timedelta:
    """Longer than any delivery waits for its next attempt, or for a look at its job."""
    caps_s = [each.retry_cap_s or 0 for each in registry.values()]
    return timedelta(seconds=2 * max(get_settings().retry_cap_s, SWEEP_AFTER_S, *caps_s)) + MARGIN


def longest_claim() -> timedelta:
    """Longer than any run may take."""
    runs_s = map(run_s, registry.values())
    longest_s = max([get_settings().job_timeout_s, *runs_s]) + CLAIM_MARGIN_S
    return timedelta(seconds=2 * longest_s) + MARGIN


def run_s(subscription: Subscription | None) -> float:
    """How long one attempt may take. A job's limit ends it, whatever its handler's limit is.

    A consumer first asks for each lookup, and its time limit is that of the handler.
    """
    settings = get_settings()
    if subscription is None or subscription.via == "rq":
        return settings.job_timeout_s
    lookups = len(set(subscription.lookups.values()))
    return subscription.time_limit_s + lookups * settings.lookup_timeout_s


def is_free(now: datetime) -> Q:
    """Does nobody run it?"""
    over = Q(claimed_until=None) | Q(claimed_until__lt=now)
    return over | Q(claimed_until__gt=now + longest_claim())


def misdated(database: str) -> "QuerySet[Delivery]":
    """Deliveries with times that only a wrong clock writes."""
    now = timezone.now()
    late, claimed = now + longest_wait(), now + longest_claim()
    rows = _rows(database).filter(state__in=RUNNABLE)
    return rows.filter(Q(due_at__gt=late) | Q(claimed_until__gt=claimed))


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
        is_free(now),
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
