"""Stores how each attempt at a delivery ended, in the same transaction as its outcome."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db.models import QuerySet
from django.utils import timezone

from carveout.models import Attempt, Delivery
from carveout.telemetry.notes import RunNotes

Outcome = Attempt.Outcome

FIRST_KEPT, LAST_KEPT = 10, 10
"""Attempts kept of one delivery: it may be tried thousands of times during an outage."""
TRACEBACK_MAX = 8_000
MANUAL_ROWS = 1_000


class AttemptRun(NamedTuple):
    """One run of a handler that has just ended."""

    began_at: datetime
    run_notes: RunNotes


def record(
    delivery: Delivery,
    outcome: Outcome,
    database: str,
    run: AttemptRun | None = None,
    described: Mapping[str, str] | None = None,
) -> None:
    """Store how an attempt at a delivery ended.

    run: None if its start is unknown. described: its error, as columns.
    """
    now = timezone.now()
    columns = described or {}
    _make_room(delivery, outcome, database)
    Attempt.objects.using(database).create(
        subscription=delivery.subscription,
        event_id=delivery.event_id,
        number=delivery.attempts,
        began_at=run.began_at if run else now,
        took_ms=(now - run.began_at).total_seconds() * 1000 if run else None,
        outcome=outcome,
        error_type=columns.get("error_type", ""),
        error=columns.get("error", ""),
        traceback=columns.get("traceback", "")[-TRACEBACK_MAX:],
        lookups=msgspec.to_builtins(run.run_notes.lookups) if run else [],
        notes=[note.text for note in run.run_notes.notes] if run else [],
    )


def record_manual(deliveries: "QuerySet[Delivery]", outcome: Outcome) -> None:
    """Store what a person decided about deliveries."""
    rows = deliveries.values_list("subscription", "event_id", "attempts")
    made = (
        Attempt(subscription=subscription, event_id=event_id, number=attempts, outcome=outcome)
        for subscription, event_id, attempts in rows
    )
    Attempt.objects.using(deliveries.db).bulk_create(made, batch_size=MANUAL_ROWS)


def attempts_of(event_ids: Sequence[UUID], database: str) -> list[Attempt]:
    """The attempts at these events, in order."""
    return list(Attempt.objects.using(database).filter(event_id__in=event_ids).order_by("id"))


def prune(before: datetime, database: str) -> int:
    """Delete older attempts. Returns: how many."""
    return Attempt.objects.using(database).filter(began_at__lt=before).delete()[0]


def _make_room(delivery: Delivery, outcome: Outcome, database: str) -> None:
    """Keep the first and last attempts, and only the latest of repeated postponements."""
    number = delivery.attempts
    if outcome == Outcome.PUT_OFF:
        _kept(delivery, database).filter(number=number, outcome=Outcome.PUT_OFF).delete()
    if number > FIRST_KEPT + LAST_KEPT:
        between = {"number__gt": FIRST_KEPT, "number__lte": number - LAST_KEPT}
        _kept(delivery, database).filter(**between).delete()


def _kept(delivery: Delivery, database: str) -> "QuerySet[Attempt]":
    return Attempt.objects.using(database).filter(
        subscription=delivery.subscription, event_id=delivery.event_id
    )
