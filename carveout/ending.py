"""Endings: how each attempt at a delivery ended, in the transaction that holds its outcome."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db.models import QuerySet
from django.utils import timezone

from carveout.annotation import Gathered
from carveout.models import Attempt, Delivery

Outcome = Attempt.Outcome

FIRST_KEPT, LAST_KEPT = 10, 10
"""Of one delivery: it may be tried thousands of times while a server is away."""
TRACEBACK_MAX = 8_000
BY_HAND_ROWS = 1_000


class Run(NamedTuple):
    """One run of a handler, that ends now."""

    began_at: datetime
    gathered: Gathered


def record(
    delivery: Delivery,
    outcome: Outcome,
    database: str,
    run: Run | None = None,
    described: Mapping[str, str] | None = None,
) -> None:
    """Keep how an attempt at a delivery ended.

    run: None if nobody knows when it began. described: its error, as columns.
    """
    now = timezone.now()
    told = described or {}
    _make_room(delivery, outcome, database)
    Attempt.objects.using(database).create(
        subscription=delivery.subscription,
        event_id=delivery.event_id,
        number=delivery.attempts,
        began_at=run.began_at if run else now,
        took_ms=(now - run.began_at).total_seconds() * 1000 if run else None,
        outcome=outcome,
        error_type=told.get("error_type", ""),
        error=told.get("error", ""),
        traceback=told.get("traceback", "")[-TRACEBACK_MAX:],
        lookups=msgspec.to_builtins(run.gathered.lookups) if run else [],
        notes=[note.text for note in run.gathered.notes] if run else [],
    )


def record_by_hand(deliveries: "QuerySet[Delivery]", outcome: Outcome) -> None:
    """Keep what a person decided about deliveries."""
    rows = deliveries.values_list("subscription", "event_id", "attempts")
    made = (
        Attempt(subscription=subscription, event_id=event_id, number=attempts, outcome=outcome)
        for subscription, event_id, attempts in rows
    )
    Attempt.objects.using(deliveries.db).bulk_create(made, batch_size=BY_HAND_ROWS)


def of(event_ids: Sequence[UUID], database: str) -> list[Attempt]:
    """How the attempts at these events ended, in order."""
    return list(Attempt.objects.using(database).filter(event_id__in=event_ids).order_by("id"))


def prune(before: datetime, database: str) -> int:
    """Forget what is older. Returns: how many attempts."""
    return Attempt.objects.using(database).filter(began_at__lt=before).delete()[0]


def _make_room(delivery: Delivery, outcome: Outcome, database: str) -> None:
    """The first attempts and the last are kept; of one that is put off again, the last time."""
    number = delivery.attempts
    rows = Attempt.objects.using(database).filter(
        subscription=delivery.subscription, event_id=delivery.event_id
    )
    if outcome == Outcome.PUT_OFF:
        rows.filter(number=number, outcome=Outcome.PUT_OFF).delete()
    if number > FIRST_KEPT + LAST_KEPT:
        rows.filter(number__gt=FIRST_KEPT, number__lte=number - LAST_KEPT).delete()
