"""Deliveries: events that a subscription did not handle at once, kept until they are done."""

import logging
import traceback
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from carveout import ending, tally
from carveout.backoff import backoff_s
from carveout.ending import Outcome, Run
from carveout.errors import CursorMoved
from carveout.event import ReceivedEvent
from carveout.likeness import likeness
from carveout.models import Delivery
from carveout.storable import said_by, storable
from carveout.subscription import Subscription, registry
from carveout.turn import (
    CLAIM_MARGIN_S,
    RUNNABLE,
    SWEEP_AFTER_S,
    has_earlier,
    is_free,
    is_paused,
    run_s,
)
from carveout.upcaster import newest

logger = logging.getLogger(__name__)

_DEATH = "Each attempt ended with the death of its process."
KILLED = {
    "error_type": "",
    "error": _DEATH,
    "traceback": "",
    "alike": likeness("", _DEATH, ""),
}
"""What kills its process leaves no error; this stands in its place."""
ERROR_TYPE_MAX = Delivery._meta.get_field("error_type").max_length
KEY_MAX = Delivery._meta.get_field("key").max_length
LEAVE_S = 1
"""How soon a delivery that was left to others is looked at again."""


def store(
    subscription: Subscription,
    events: Sequence[ReceivedEvent],
    state: Delivery.State,
    error: Exception | None = None,
    run: Run | None = None,
) -> None:
    """Keep events for later, in the transaction that is open. What is kept already stays.

    Only a note that an event was about to be tried gives way: its attempt has come to its end.
    `error` and `run` tell of a first attempt that failed.
    """
    now = timezone.now()
    wait_s = backoff_s(1, subscription) if error else 0
    if error and _gives_up(subscription, 1, error):
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
            **(describe(error) if error else {}),
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
            ending.record(row, outcome, subscription.database, run, describe(error))


def claim(delivery_id: int, database: str, ordered: Collection[str]) -> Delivery | None:
    """Take a delivery for one run and count the attempt, before the handler is called.

    `ordered` names the subscriptions whose earlier events of a key come first.

    Returns: None if it is done, dead, paused, running elsewhere or not yet its turn; or if its
        subscription is not declared here, as in a process of an older release.
    """
    now = timezone.now()
    its_turn = ~Q(subscription__in=ordered) | ~has_earlier()
    rows = _rows(database).filter(is_free(now), ~is_paused(), pk=delivery_id, state__in=RUNNABLE)
    name = rows.filter(its_turn).values_list("subscription", flat=True).first()
    if name is None:
        return None
    if name not in registry:
        tally.count("unknown", name)
        logger.warning("delivery %s is left to others: no subscription %s here", delivery_id, name)
        return None
    until = now + timedelta(seconds=run_s(registry[name]) + CLAIM_MARGIN_S)
    if not rows.update(attempts=F("attempts") + 1, claimed_until=until):
        return None
    return _rows(database).filter(pk=delivery_id).first()


def done(delivery: Delivery, database: str, run: Run) -> None:
    """Remove a delivery that was handled, in the transaction that holds its effects.

    Raises: CursorMoved: another run took it over meanwhile; let the transaction roll back.
    """
    ours = _rows(database).filter(pk=delivery.pk, attempts=delivery.attempts)
    if not ours.delete()[0]:
        raise CursorMoved(f"Delivery {delivery.pk} ran too long and was taken over.")
    ending.record(delivery, Outcome.HANDLED, database, run)


def failed(
    delivery: Delivery,
    subscription: Subscription,
    error: Exception,
    run: Run,
    *,
    counts: bool = True,
) -> None:
    """Put a delivery back for its next attempt, or give it up after the last one.

    `counts` is false when the event is not to blame: a context that can't be looked up.
    """
    attempts = delivery.attempts if counts else delivery.attempts - 1
    dead = counts and _gives_up(subscription, attempts, error)
    ours = _rows(subscription.database).filter(pk=delivery.pk, attempts=delivery.attempts)
    told = describe(error)
    with transaction.atomic(using=subscription.database):
        updated = ours.update(
            state=Delivery.State.DEAD if dead else Delivery.State.WAITING,
            attempts=attempts,
            due_at=timezone.now() + timedelta(seconds=backoff_s(max(attempts, 1), subscription)),
            claimed_until=None,
            **told,
        )
        if updated:
            happened = Outcome.FAILED if counts else Outcome.PUT_OFF
            outcome = Outcome.GIVEN_UP if dead else happened
            ending.record(delivery, outcome, subscription.database, run, told)


def put_back(delivery: Delivery, subscription: Subscription) -> None:
    """Let a delivery be as it was before it was claimed: its process had to stop."""
    ours = _rows(subscription.database).filter(pk=delivery.pk, attempts=delivery.attempts)
    ours.update(attempts=delivery.attempts - 1, claimed_until=None, due_at=timezone.now())


def leave(delivery: Delivery, database: str) -> None:
    """Let others try a delivery that was claimed here and can't be run; no attempt is counted."""
    ours = _rows(database).filter(pk=delivery.pk, attempts=delivery.attempts)
    ours.update(
        state=Delivery.State.WAITING,
        attempts=delivery.attempts - 1,
        due_at=timezone.now() + timedelta(seconds=LEAVE_S),
        claimed_until=None,
    )


def give_up(delivery: Delivery, subscription: Subscription) -> None:
    """Let a delivery be dead whose last attempt never came to an end."""
    ours = _rows(subscription.database).filter(pk=delivery.pk, attempts=delivery.attempts)
    with transaction.atomic(using=subscription.database):
        updated = ours.update(
            state=Delivery.State.DEAD,
            attempts=subscription.max_attempts,
            claimed_until=None,
            **KILLED,
        )
        if updated:
            ending.record(delivery, Outcome.GIVEN_UP, subscription.database, described=KILLED)


def queue(ids: Collection[int], database: str) -> None:
    """Note that deliveries were handed to jobs; they are looked for again after a while."""
    _rows(database).filter(pk__in=ids, state__in=RUNNABLE).update(
        state=Delivery.State.QUEUED, due_at=timezone.now() + timedelta(seconds=SWEEP_AFTER_S)
    )


def retry(deliveries: "QuerySet[Delivery]") -> int:
    """Let deliveries run at once, dead ones too, with all their attempts anew."""
    ours = deliveries.exclude(state=Delivery.State.TRYING)
    with transaction.atomic(using=deliveries.db):
        ending.record_by_hand(ours, Outcome.RETRIED)
        return ours.update(
            state=Delivery.State.WAITING, attempts=0, due_at=timezone.now(), claimed_until=None
        )


def discard(deliveries: "QuerySet[Delivery]") -> int:
    """Give deliveries up for good. Returns: how many."""
    ours = deliveries.exclude(state=Delivery.State.TRYING)
    with transaction.atomic(using=deliveries.db):
        ending.record_by_hand(ours, Outcome.DISCARDED)
        return ours.delete()[0]


def edit(delivery: Delivery, data: Mapping[str, Any], database: str) -> bool:
    """Let a delivery run at once with other data in its copy of the event. The log is not changed.

    Returns: whether it was edited; not if it is done, or a run of it is under way.
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
    """The event, in the newest version that is known now; it may have been kept in an older one."""
    return newest(msgspec.json.decode(delivery.event, type=ReceivedEvent))


def _gives_up(subscription: Subscription, attempts: int, error: Exception) -> bool:
    """Was that the last attempt?"""
    return attempts >= subscription.max_attempts or isinstance(error, subscription.give_up_on)


def describe(error: Exception) -> dict[str, str]:
    """An error as a delivery's columns."""
    error_type = f"{type(error).__module__}.{type(error).__qualname__}"
    error_type = storable(error_type, ERROR_TYPE_MAX)
    text, trace = said_by(error), _trace_of(error)
    alike = likeness(error_type, text, trace)
    return {"error_type": error_type, "error": text, "traceback": trace, "alike": alike}


def _trace_of(error: Exception) -> str:
    try:
        return storable("".join(traceback.format_exception(error)))
    except Exception:  # its own text, or a cause's, can't be had
        return storable("".join(traceback.format_tb(error.__traceback__)))


def _rows(database: str) -> "QuerySet[Delivery]":
    return Delivery.objects.using(database)
