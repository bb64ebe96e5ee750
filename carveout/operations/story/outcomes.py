"""Finds what became of events for the subscriptions that live here.

It reads what each of them left: its cursor, a delivery, its attempts, the trace of a batch.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from carveout.conf import get_settings
from carveout.conf.time_zones import in_utc
from carveout.deliveries import attempt_log
from carveout.events.event import PartitionRef
from carveout.models import Attempt, Cursor, Delivery
from carveout.redis.client import REDIS_ERRORS
from carveout.subscriptions.subscription import SHADOW, Subscription, registry
from carveout.telemetry import batch_traces
from carveout.telemetry.notes import LookupCall


class OutcomeStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to an event at a subscription."""

    state: str
    at: datetime | None = None
    began: datetime | None = None
    """None where `took_ms` is not known, and from older releases, which send only `at`."""
    ended: datetime | None = None
    took_ms: float | None = None
    text: str = ""
    due: datetime | None = None
    """The time that the text ends with."""
    error: str = ""
    traceback: str = ""
    lookups: Sequence[LookupCall] = ()
    notes: Sequence[str] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of an event for a subscription so far."""

    event: str
    subscription: str
    state: str
    job: bool = False
    steps: Sequence[OutcomeStep] = ()


class EventRef(NamedTuple):
    """An event with its partition and position, of any deployment."""

    id: str
    type: str
    ref: PartitionRef
    position: int


def outcomes(event_refs: Sequence[EventRef]) -> list[Outcome]:
    """What became of events for the subscriptions that live here."""
    return [outcome for database in databases() for outcome in _outcomes(event_refs, database)]


def databases() -> list[str]:
    """The databases of the hosted contexts."""
    return get_settings().hosted_databases


def _outcomes(event_refs: Sequence[EventRef], database: str) -> list[Outcome]:
    ids = [uuid.UUID(each.id) for each in event_refs]
    deliveries = {
        (row.subscription, str(row.event_id)): row
        for row in Delivery.objects.using(database).filter(event_id__in=ids)
    }
    attempts: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for attempt in attempt_log.attempts_of(ids, database):
        attempts[attempt.subscription, str(attempt.event_id)].append(attempt)
    cursors = _cursors({each.ref for each in event_refs}, database)
    wanted = [
        (name, each)
        for each in event_refs
        for name in _subscriptions_of(each, database, {*deliveries, *attempts})
    ]
    traces = _traces(wanted)
    return [
        _outcome(
            each,
            name,
            cursors.get((name, each.ref)),
            deliveries.get((name, each.id)),
            attempts.get((name, each.id), []),
            traces.get(batch_traces.TraceKey(name, each.ref, each.position)),
        )
        for name, each in wanted
    ]


def _subscriptions_of(event: EventRef, database: str, seen: Iterable[tuple[str, str]]) -> list[str]:
    """Subscriptions that declare its type here, and those that have left something behind."""
    declared = {
        each.name
        for each in registry.values()
        if event.type in each.types and each.database == database and not each.name.endswith(SHADOW)
    }
    return sorted(declared | {name for name, event_id in seen if event_id == event.id})


def _cursors(
    refs: set[PartitionRef], database: str
) -> dict[tuple[str, PartitionRef], tuple[int, datetime | None]]:
    rows = Cursor.objects.using(database).filter(context__in={ref.context for ref in refs})
    return {
        (name, PartitionRef(context, partition)): (position, moved_at)
        for name, context, partition, position, moved_at in rows.values_list(
            "subscription", "context", "partition", "position", "moved_at"
        )
    }


def _traces(
    wanted: Sequence[tuple[str, EventRef]],
) -> dict[batch_traces.TraceKey, batch_traces.Trace]:
    asked = [
        batch_traces.TraceKey(name, each.ref, each.position)
        for name, each in wanted
        if each.position
    ]
    if not get_settings().uses_redis:
        return {}
    try:
        return batch_traces.find(asked)
    except REDIS_ERRORS:
        return {}


def _outcome(
    event: EventRef,
    name: str,
    cursor: tuple[int, datetime | None] | None,
    delivery: Delivery | None,
    attempts: Sequence[Attempt],
    kept: batch_traces.Trace | None,
) -> Outcome:
    subscription = registry.get(name)
    passed = bool(cursor and event.position and cursor[0] >= event.position)
    steps = _batch_steps(event, subscription, kept, cursor, delivery, attempts) if passed else []
    steps += _attempt_steps(attempts)
    state = _state(passed, delivery, attempts)
    if state == "handled" and not attempts and _is_declined(event, kept):
        state = "declined"
    if delivery is not None:
        steps.append(_delivery_step(delivery))
    elif not passed and cursor is not None and event.position:
        behind = event.position - cursor[0]
        before = "1 position" if behind == 1 else f"{behind} positions"
        steps.append(OutcomeStep(state="waiting", text=f"its cursor is {before} behind it"))
    job = subscription is not None and subscription.via == "rq"
    return Outcome(event=event.id, subscription=name, state=state, job=job, steps=steps)


def _is_declined(event: EventRef, kept: batch_traces.Trace | None) -> bool:
    return kept is not None and event.position in kept.declined


def _state(passed: bool, delivery: Delivery | None, attempts: Sequence[Attempt]) -> str:
    if delivery is not None:
        return str(delivery.state)
    if not passed:
        return "waiting"
    discarded = attempts and attempts[-1].outcome == Attempt.Outcome.DISCARDED
    return "discarded" if discarded else "handled"


def _batch_steps(
    event: EventRef,
    subscription: Subscription | None,
    kept: batch_traces.Trace | None,
    cursor: tuple[int, datetime | None] | None,
    delivery: Delivery | None,
    attempts: Sequence[Attempt],
) -> list[OutcomeStep]:
    """What its batch did with it. A failure there is shown by its first attempt."""
    job = subscription is not None and subscription.via == "rq"
    if not job and (delivery is not None or attempts):
        return []
    state = "handed to a job" if job else "handled"
    if _is_declined(event, kept):
        state = "declined"
    if kept is None and cursor and cursor[0] == event.position:
        return [OutcomeStep(state=state, at=cursor[1] and in_utc(cursor[1]))]
    if kept is None:
        late = subscription is not None and subscription.start == "now"
        text = "time unknown: the trace has expired"
        return [
            OutcomeStep(
                state=state,
                text=f"{text}, or the event is older than the subscription" if late else text,
            )
        ]
    committed = datetime.fromtimestamp(kept.committed, UTC)
    return [
        OutcomeStep(
            state=state,
            at=committed,
            began=None if job else datetime.fromtimestamp(kept.began, UTC),
            ended=None if job else committed,
            took_ms=None if job else round((kept.committed - kept.began) * 1000, 1),
            lookups=kept.lookups,
            notes=[each.text for each in kept.notes if each.position in (0, event.position)],
        )
    ]


def _attempt_steps(attempts: Sequence[Attempt]) -> Iterator[OutcomeStep]:
    """How each ended. If one between others left nothing, its process died."""
    before = 0
    for attempt in attempts:
        if attempt.outcome == Attempt.Outcome.RETRIED:
            before = 0
        else:
            for number in range(before + 1, min(attempt.number, attempt_log.FIRST_KEPT)):
                yield OutcomeStep(state="died", text=f"attempt {number}")
            before = max(before, attempt.number)
        yield _attempt_step(attempt)


def _attempt_step(attempt: Attempt) -> OutcomeStep:
    number = f"attempt {attempt.number}" if attempt.number else ""
    began_at = in_utc(attempt.began_at)
    took = None if attempt.took_ms is None else timedelta(milliseconds=attempt.took_ms)
    by_hand = attempt.outcome in (Attempt.Outcome.RETRIED, Attempt.Outcome.DISCARDED)
    return OutcomeStep(
        state=attempt.outcome,
        at=began_at,
        began=began_at if took else None,
        ended=began_at + took if took else None,
        took_ms=None if attempt.took_ms is None else round(attempt.took_ms, 1),
        text="by hand" if by_hand else number,
        error=f"{attempt.error_type}: {attempt.error}".removeprefix(": ") if attempt.error else "",
        traceback=attempt.traceback,
        lookups=[msgspec.convert(each, LookupCall) for each in attempt.lookups],
        notes=attempt.notes,
    )


def _delivery_step(delivery: Delivery) -> OutcomeStep:
    text = {
        Delivery.State.WAITING: "next attempt not before",
        Delivery.State.QUEUED: "a job will handle it",
        Delivery.State.DEAD: "retry or discard it",
        Delivery.State.TRYING: "tried alone at the cursor, after a consumer died there",
    }[Delivery.State(delivery.state)]
    if delivery.claimed_until:
        text = "a run is under way, or its process died"
    waits = delivery.state == Delivery.State.WAITING and not delivery.claimed_until
    due = in_utc(delivery.due_at) if waits and delivery.due_at else None
    return OutcomeStep(state=delivery.state, text=text, due=due)
