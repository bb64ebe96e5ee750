"""Stores events that a subscription did not handle at once, until they are done."""

import logging
import traceback
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from carveout.conf import get_settings
from carveout.deliveries import attempt_log
from carveout.deliveries.attempt_log import AttemptRun, Outcome
from carveout.deliveries.fingerprint import fingerprint
from carveout.deliveries.retry_policy import retry_delay_s
from carveout.deliveries.runnable import (
    CLAIM_MARGIN_S,
    RUNNABLE,
    SWEEP_AFTER_S,
    claim_if_free,
    due,
    is_free,
    run_s,
)
from carveout.errors import CursorMoved
from carveout.events.event import ReceivedEvent
from carveout.events.upcasters import upcast_event
from carveout.models import Delivery
from carveout.runtime.storable_text import said_by, storable
from carveout.subscriptions.subscription import Subscription

logger = logging.getLogger(__name__)

_CRASH = "Each attempt ended with the death of its process."
CRASHED = {
    "error_type": "",
    "error": _CRASH,
    "traceback": "",
    "alike": fingerprint("", _CRASH, ""),
}
"""Stored as the error of a handler that crashes its process, which leaves no error."""
ERROR_TYPE_MAX = Delivery._meta.get_field("error_type").max_length
KEY_MAX = Delivery._meta.get_field("key").max_length
_REMOVE = "DELETE FROM carveout_delivery WHERE id = %s AND attempts = %s"
LEAVE_S = 1
"""How soon a delivery that was left to other processes is checked again."""


def park(
    subscription: Subscription,
    events: Sequence[ReceivedEvent],
    state: Delivery.State,
    error: Exception | None = None,
    run: AttemptRun | None = None,
    wait_s: float = 0,
) -> None:
    """Park events in the open transaction. Deliveries that are parked already stay as they are.

    Only an attempt record in state "trying" is replaced: its attempt has ended.
    `error` and `run` describe a first attempt that failed. wait_s: until the first attempt.
    """
    now = timezone.now()
    wait_s = retry_delay_s(1, subscription) if error else wait_s
    if error and _is_last_attempt(subscription, 1, error):
        state = Delivery.State.DEAD
    due_at = now + timedelta(seconds=SWEEP_AFTER_S if state == Delivery.State.QUEUED else wait_s)
    rows = [
        Delivery(
            subscription=subscription.name,
            context=event.context,
            partition=event.partition,
            position=event.position,
            key=storable(event.key, KEY_MAX),
            event_id=event.id,
            event=msgspec.json.encode(event).decode(),
            state=state,
            attempts=1 if error else 0,
            due_at=due_at,
            **(error_columns(error) if error else {}),
        )
        for event in events
    ]
    kept = _rows(subscription.database)
    if state != Delivery.State.TRYING:
        ids = [event.id for event in events]
        kept.filter(
            subscription=subscription.name, event_id__in=ids, state=Delivery.State.TRYING
        ).delete()
    kept.bulk_create(rows, ignore_conflicts=True)
    if error and run:
        outcome = Outcome.GIVEN_UP if state == Delivery.State.DEAD else Outcome.FAILED
        for row in rows:
            attempt_log.record(row, outcome, subscription.database, run, error_columns(error))


def claim(delivery: Delivery, subscription: Subscription) -> bool:
    """Claim a delivery for one run and count the attempt, before the handler is called.

    delivery: as it was read a moment ago; the claim is noted in it.

    Returns: whether it may run; not if it changed, is done, paused, or runs elsewhere.
    """
    until = timezone.now() + timedelta(seconds=run_s(subscription) + CLAIM_MARGIN_S)
    if not claim_if_free(delivery, subscription, until):
        return False
    delivery.attempts, delivery.claimed_until = delivery.attempts + 1, until
    return True


def complete(delivery: Delivery, database: str, run: AttemptRun) -> None:
    """Remove a delivery that was handled, in the transaction that holds its effects.

    Raises: CursorMoved: another run has taken it over; let the transaction roll back.
    """
    with connections[database].cursor() as cursor:  # Django would take as long as PostgreSQL
        cursor.execute(_REMOVE, [delivery.pk, delivery.attempts])
        removed = cursor.rowcount
    if not removed:
        raise CursorMoved(f"Delivery {delivery.pk} ran too long, and another run took it over.")
    attempt_log.record(delivery, Outcome.HANDLED, database, run)


def fail(
    delivery: Delivery,
    subscription: Subscription,
    error: Exception,
    run: AttemptRun,
    *,
    counts: bool = True,
) -> None:
    """Put a delivery back for its next attempt, or make it dead after the last one.

    `counts` is false when the event is not to blame, as for a failed lookup.
    """
    attempts = delivery.attempts if counts else delivery.attempts - 1
    dead = counts and _is_last_attempt(subscription, attempts, error)
    ours = _rows(subscription.database).filter(pk=delivery.pk, attempts=delivery.attempts)
    columns = error_columns(error)
    with transaction.atomic(using=subscription.database):
        updated = ours.update(
            state=Delivery.State.DEAD if dead else Delivery.State.WAITING,
            attempts=attempts,
            due_at=timezone.now()
            + timedelta(seconds=retry_delay_s(max(attempts, 1), subscription)),
            claimed_until=None,
            **columns,
        )
        if updated:
            happened = Outcome.FAILED if counts else Outcome.PUT_OFF
            outcome = Outcome.GIVEN_UP if dead else happened
            attempt_log.record(delivery, outcome, subscription.database, run, columns)


def put_back(delivery: Delivery, subscription: Subscription) -> None:
    """Restore a delivery to its state before the claim: its process had to stop."""
    ours = _rows(subscription.database).filter(pk=delivery.pk, attempts=delivery.attempts)
    ours.update(attempts=delivery.attempts - 1, claimed_until=None, due_at=timezone.now())


def leave(delivery: Delivery, database: str) -> None:
    """Leave a claimed delivery that can't run here to other processes; counts no attempt."""
    ours = _rows(database).filter(pk=delivery.pk, attempts=delivery.attempts)
    ours.update(
        state=Delivery.State.WAITING,
        attempts=delivery.attempts - 1,
        due_at=timezone.now() + timedelta(seconds=LEAVE_S),
        claimed_until=None,
    )


def mark_dead(delivery: Delivery, subscription: Subscription) -> None:
    """Make a delivery dead whose last attempt never ended."""
    ours = _rows(subscription.database).filter(pk=delivery.pk, attempts=delivery.attempts)
    with transaction.atomic(using=subscription.database):
        updated = ours.update(
            state=Delivery.State.DEAD,
            attempts=subscription.max_attempts,
            claimed_until=None,
            **CRASHED,
        )
        if updated:
            attempt_log.record(delivery, Outcome.GIVEN_UP, subscription.database, described=CRASHED)


def queue_due(subscriptions: Collection[Subscription], database: str) -> int:
    """Hand deliveries whose waiting time is over to jobs. The sweeper looks for them after a while.

    Returns: how many.
    """
    ids = [row.pk for row in due(subscriptions, database, get_settings().batch_rows)]
    if ids:
        _rows(database).filter(pk__in=ids, state__in=RUNNABLE).update(
            state=Delivery.State.QUEUED, due_at=timezone.now() + timedelta(seconds=SWEEP_AFTER_S)
        )
    return len(ids)


def retry(deliveries: "QuerySet[Delivery]") -> int:
    """Let deliveries run at once, dead ones too. Their attempt counter starts again at zero."""
    ours = deliveries.exclude(state=Delivery.State.TRYING)
    with transaction.atomic(using=deliveries.db):
        attempt_log.record_manual(ours, Outcome.RETRIED)
        return ours.update(
            state=Delivery.State.WAITING, attempts=0, due_at=timezone.now(), claimed_until=None
        )


def discard(deliveries: "QuerySet[Delivery]") -> int:
    """Delete deliveries without handling them. Returns: how many."""
    ours = deliveries.exclude(state=Delivery.State.TRYING)
    with transaction.atomic(using=deliveries.db):
        attempt_log.record_manual(ours, Outcome.DISCARDED)
        return ours.delete()[0]


def replace_data(delivery: Delivery, data: Mapping[str, Any], database: str) -> bool:
    """Replace the data in a delivery's copy of the event and run it at once. The log is unchanged.

    Returns: whether it was edited; false if it is done or running.
    """
    now = timezone.now()
    event = msgspec.structs.replace(event_of(delivery), data=dict(data))
    rows = _rows(database).filter(is_free(now), pk=delivery.pk).exclude(state=Delivery.State.TRYING)
    edited = rows.update(
        event=msgspec.json.encode(event).decode(),
        state=Delivery.State.WAITING,
        attempts=0,
        due_at=now,
        claimed_until=None,
    )
    return bool(edited)


def event_of(delivery: Delivery) -> ReceivedEvent:
    """The event, upcast to the newest known version; it may be stored in an older one."""
    return upcast_event(msgspec.json.decode(delivery.event, type=ReceivedEvent))


def _is_last_attempt(subscription: Subscription, attempts: int, error: Exception) -> bool:
    """Whether that was the last attempt."""
    return attempts >= subscription.max_attempts or isinstance(error, subscription.give_up_on)


def error_columns(error: Exception) -> dict[str, str]:
    """An error as a delivery's columns."""
    error_type = f"{type(error).__module__}.{type(error).__qualname__}"
    error_type = storable(error_type, ERROR_TYPE_MAX)
    text, trace = said_by(error), _trace_of(error)
    alike = fingerprint(error_type, text, trace)
    return {"error_type": error_type, "error": text, "traceback": trace, "alike": alike}


def _trace_of(error: Exception) -> str:
    try:
        return storable("".join(traceback.format_exception(error)))
    except Exception:  # its own text, or that of a cause, can't be read
        return storable("".join(traceback.format_tb(error.__traceback__)))


def _rows(database: str) -> "QuerySet[Delivery]":
    return Delivery.objects.using(database)
