"""Finds which deliveries may run now, and which wait for an earlier one of their key."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import connections
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from carveout.conf import get_settings
from carveout.events.event import ReceivedEvent
from carveout.models import Cursor, Delivery
from carveout.subscriptions.subscription import Subscription, registry

logger = logging.getLogger(__name__)

CLAIM_MARGIN_S = 15
"""How long after its time limit a run is considered dead."""
SWEEP_AFTER_S = 5
"""How long a job may go without a result before the sweeper looks for it in Redis."""
MARGIN = timedelta(minutes=1)
"""By how much clocks may differ."""
CLOCK_WAS_WRONG = (
    "%d deliveries had a due time that is too far ahead: a clock was wrong. They are tried now."
    " Synchronize the clocks of all machines with NTP."
)
RUNNABLE = (Delivery.State.WAITING, Delivery.State.QUEUED)


def any_due(database: str) -> bool:
    """Whether `due` would find anything. Called often; the answer is mostly no.

    Deliveries that a wrong clock made late become due now.
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


def claim_if_free(delivery: Delivery, subscription: Subscription, until: datetime) -> bool:
    """Claim a delivery and count the attempt, if it is as it was read and may run now.

    The conditions are those of `is_free`, `is_paused` and `has_earlier`, written as SQL: for each
    attempt, Django would take longer to compose the statement than PostgreSQL takes to run it.
    """
    connection, now = connections[subscription.database], timezone.now()
    times = (until, now, now + longest_claim())
    stored = [connection.ops.adapt_datetimefield_value(each) for each in times]
    statement = _CLAIM
    given = [stored[0], delivery.pk, delivery.attempts, delivery.event, *RUNNABLE, *stored[1:]]
    if subscription.ordered:
        statement += _NONE_EARLIER
        given.append(Delivery.State.TRYING)
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return bool(cursor.rowcount)


_CLAIM = """
    UPDATE carveout_delivery SET attempts = attempts + 1, claimed_until = %s
    WHERE id = %s AND attempts = %s AND event = %s AND state IN (%s, %s)
    AND (claimed_until IS NULL OR claimed_until < %s OR claimed_until > %s)
    AND NOT EXISTS (
        SELECT 1 FROM carveout_cursor
        WHERE subscription = carveout_delivery.subscription AND paused_at IS NOT NULL
    )
"""
_NONE_EARLIER = """
    AND NOT EXISTS (
        SELECT 1 FROM carveout_delivery earlier
        WHERE earlier.subscription = carveout_delivery.subscription
        AND earlier.key = carveout_delivery.key AND earlier.context = carveout_delivery.context
        AND earlier.state <> %s
        AND CASE WHEN earlier.partition = carveout_delivery.partition
            THEN earlier.position < carveout_delivery.position
            ELSE earlier.id < carveout_delivery.id END
    )
"""

# Each needs one index lookup.
_ANY_DUE = """
    SELECT EXISTS (SELECT 1 FROM carveout_delivery WHERE state IN (%s, %s) AND due_at <= %s),
        EXISTS (SELECT 1 FROM carveout_delivery WHERE state IN (%s, %s) AND due_at > %s)
"""


# A wrong clock writes times that are far off. Deliveries that it made late are tried at once, and
# its long claims are ignored: no correct process could have written them.


def longest_wait() -> timedelta:
    """Longer than any delivery waits for its next attempt, or for a check of its job."""
    caps_s = [each.retry_cap_s or 0 for each in registry.values()]
    return timedelta(seconds=2 * max(get_settings().retry_cap_s, SWEEP_AFTER_S, *caps_s)) + MARGIN


def longest_claim() -> timedelta:
    """Longer than any run may take."""
    runs_s = map(run_s, registry.values())
    longest_s = max([get_settings().job_timeout_s, *runs_s]) + CLAIM_MARGIN_S
    return timedelta(seconds=2 * longest_s) + MARGIN


def run_s(subscription: Subscription | None) -> float:
    """How long one attempt may take. A job's limit ends it, whatever its handler's limit is.

    A consumer first makes each lookup; its time limit is the handler's only.
    """
    settings = get_settings()
    if subscription is None or subscription.via == "rq":
        return settings.job_timeout_s
    lookups = len(set(subscription.lookups.values()))
    return subscription.time_limit_s + lookups * settings.lookup_timeout_s


def is_free(now: datetime) -> Q:
    """Matches deliveries that no process runs."""
    over = Q(claimed_until=None) | Q(claimed_until__lt=now)
    return over | Q(claimed_until__gt=now + longest_claim())


def misdated(database: str) -> "QuerySet[Delivery]":
    """Deliveries with times that only a wrong clock can write."""
    now = timezone.now()
    late, claimed = now + longest_wait(), now + longest_claim()
    rows = _rows(database).filter(state__in=RUNNABLE)
    return rows.filter(Q(due_at__gt=late) | Q(claimed_until__gt=claimed))


def due(subscriptions: Collection[Subscription], database: str, limit: int) -> list[Delivery]:
    """Deliveries whose waiting time is over; one per key if ordered."""
    rows = _free(subscriptions, database).filter(state=Delivery.State.WAITING)
    return list(rows.order_by("due_at", "id")[:limit])


def queued(subscriptions: Collection[Subscription], database: str, limit: int) -> list[Delivery]:
    """Deliveries that jobs may run now, the longest waiting first; one per key if ordered.

    `has_others` of each says whether there are others of its key.
    """
    rows = _next_and_free(subscriptions, database).filter(state=Delivery.State.QUEUED)
    same_key = Delivery.objects.filter(
        **{field: OuterRef(field) for field in ("subscription", "context", "key")}
    )
    others = Exists(same_key.exclude(pk=OuterRef("pk")))
    return list(rows.annotate(has_others=others).order_by("due_at", "id")[:limit])


def any_overdue_in_queue(subscriptions: Collection[Subscription], database: str) -> bool:
    """Whether a delivery has been queued for long enough, and does not run."""
    return _free(subscriptions, database).filter(state=Delivery.State.QUEUED).exists()


def undeclared(context: str, names: Collection[str], database: str) -> list[str]:
    """Subscriptions of a context other than these that have queued deliveries."""
    rows = _rows(database).filter(
        state=Delivery.State.QUEUED, subscription__startswith=f"{context}."
    )
    others = rows.exclude(subscription__in=names).order_by("subscription")
    return list(others.values_list("subscription", flat=True).distinct())


def _free(subscriptions: Collection[Subscription], database: str) -> "QuerySet[Delivery]":
    """Deliveries that are due, next of their key, and not running."""
    return _next_and_free(subscriptions, database).filter(due_at__lte=timezone.now())


def _next_and_free(subscriptions: Collection[Subscription], database: str) -> "QuerySet[Delivery]":
    rows = _rows(database).filter(
        is_free(timezone.now()), ~is_paused(), subscription__in=[s.name for s in subscriptions]
    )
    ordered = [s.name for s in subscriptions if s.ordered]
    return rows.filter(~Q(subscription__in=ordered) | ~has_earlier()) if ordered else rows


def blocked_keys(subscription: Subscription, events: Sequence[ReceivedEvent]) -> set[str]:
    """The keys with earlier events that this ordered subscription has not handled yet."""
    rows = (
        _rows(subscription.database)
        .filter(subscription=subscription.name, key__in={event.key for event in events})
        .exclude(state=Delivery.State.TRYING)
    )
    return set(rows.values_list("key", flat=True))


def is_paused() -> Exists:
    """Matches deliveries whose subscription is paused."""
    cursors = Cursor.objects.filter(paused_at__isnull=False)
    return Exists(cursors.filter(subscription=OuterRef("subscription")))


def has_earlier() -> Exists:
    """Matches deliveries with an earlier event of their key that is not done."""
    return Exists(
        Delivery.objects.filter(
            subscription=OuterRef("subscription"),
            key=OuterRef("key"),
            context=OuterRef("context"),
        )
        # Another partition holds events from before or after a repartitioning.
        .filter(
            Q(partition=OuterRef("partition"), position__lt=OuterRef("position"))
            | (~Q(partition=OuterRef("partition")) & Q(pk__lt=OuterRef("pk")))
        )
        .exclude(state=Delivery.State.TRYING)
    )


def _rows(database: str) -> "QuerySet[Delivery]":
    return Delivery.objects.using(database)
