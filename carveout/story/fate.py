"""Fates: what became of events for the subscriptions that live here.

Told by what each of them left: its cursor, a delivery, how attempts ended, the trace of a batch.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from carveout import ending, trace
from carveout.annotation import LookedUp
from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS
from carveout.event import Place
from carveout.models import Attempt, Cursor, Delivery
from carveout.moment import in_utc
from carveout.subscription import Subscription, registry


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to an event at a subscription."""

    state: str
    at: datetime | None = None
    took_ms: float | None = None
    text: str = ""
    due: datetime | None = None
    """When the time comes that the text ends with."""
    error: str = ""
    traceback: str = ""
    lookups: Sequence[LookedUp] = ()
    notes: Sequence[str] = ()


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an event for a subscription, until now."""

    event: str
    subscription: str
    state: str
    job: bool = False
    steps: Sequence[Step] = ()


class Heard(NamedTuple):
    """An event at its place, of whatever deployment."""

    id: str
    type: str
    place: Place
    position: int


def fates(heard: Sequence[Heard]) -> list[Fate]:
    """What became of events for the subscriptions that live here."""
    return [fate for database in databases() for fate in _fates(heard, database)]


def databases() -> list[str]:
    """Those that hosted contexts use."""
    return get_settings().hosted_databases


def _fates(heard: Sequence[Heard], database: str) -> list[Fate]:
    ids = [uuid.UUID(each.id) for each in heard]
    deliveries = {
        (row.subscription, str(row.event_id)): row
        for row in Delivery.objects.using(database).filter(event_id__in=ids)
    }
    attempts: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for attempt in ending.of(ids, database):
        attempts[attempt.subscription, str(attempt.event_id)].append(attempt)
    cursors = _cursors({each.place for each in heard}, database)
    wanted = [
        (name, each)
        for each in heard
        for name in _hearing(each, database, {*deliveries, *attempts})
    ]
    traces = _traces(wanted)
    return [
        _fate(
            each,
            name,
            cursors.get((name, each.place)),
            deliveries.get((name, each.id)),
            attempts.get((name, each.id), []),
            traces.get(trace.Asked(name, each.place, each.position)),
        )
        for name, each in wanted
    ]


def _hearing(heard: Heard, database: str, seen: Iterable[tuple[str, str]]) -> list[str]:
    """Who is declared to hear it here, and who has left something behind."""
    declared = {
        each.name
        for each in registry.values()
        if heard.type in each.types and each.database == database
    }
    return sorted(declared | {name for name, event_id in seen if event_id == heard.id})


def _cursors(
    places: set[Place], database: str
) -> dict[tuple[str, Place], tuple[int, datetime | None]]:
    rows = Cursor.objects.using(database).filter(context__in={place[0] for place in places})
    return {
        (name, (context, partition)): (position, moved_at)
        for name, context, partition, position, moved_at in rows.values_list(
            "subscription", "context", "partition", "position", "moved_at"
        )
    }


def _traces(wanted: Sequence[tuple[str, Heard]]) -> dict[trace.Asked, trace.Trace]:
    asked = [trace.Asked(name, each.place, each.position) for name, each in wanted if each.position]
    if not get_settings().uses_redis:
        return {}
    try:
        return trace.find(asked)
    except REDIS_ERRORS:
        return {}


def _fate(
    heard: Heard,
    name: str,
    cursor: tuple[int, datetime | None] | None,
    delivery: Delivery | None,
    attempts: Sequence[Attempt],
    kept: trace.Trace | None,
) -> Fate:
    subscription = registry.get(name)
    passed = bool(cursor and heard.position and cursor[0] >= heard.position)
    steps = _batch_steps(heard, subscription, kept, cursor, delivery, attempts) if passed else []
    steps += _attempt_steps(attempts)
    state = _state(passed, delivery, attempts)
    if delivery is not None:
        steps.append(_delivery_step(delivery))
    elif not passed and cursor is not None and heard.position:
        behind = heard.position - cursor[0]
        before = "1 position" if behind == 1 else f"{behind} positions"
        steps.append(Step(state="waiting", text=f"its cursor is {before} before it"))
    job = subscription is not None and subscription.via == "rq"
    return Fate(event=heard.id, subscription=name, state=state, job=job, steps=steps)


def _state(passed: bool, delivery: Delivery | None, attempts: Sequence[Attempt]) -> str:
    if delivery is not None:
        return str(delivery.state)
    if not passed:
        return "waiting"
    discarded = attempts and attempts[-1].outcome == Attempt.Outcome.DISCARDED
    return "discarded" if discarded else "handled"


def _batch_steps(
    heard: Heard,
    subscription: Subscription | None,
    kept: trace.Trace | None,
    cursor: tuple[int, datetime | None] | None,
    delivery: Delivery | None,
    attempts: Sequence[Attempt],
) -> list[Step]:
    """What its batch did with it. What failed there is told by its first attempt."""
    job = subscription is not None and subscription.via == "rq"
    if not job and (delivery is not None or attempts):
        return []
    state = "handed to a job" if job else "handled"
    if kept is None and cursor and cursor[0] == heard.position:
        return [Step(state=state, at=cursor[1] and in_utc(cursor[1]))]
    if kept is None:
        late = subscription is not None and subscription.start == "now"
        text = "when is not known: its trace is not kept"
        return [Step(state=state, text=f"{text}, or it is from before it began" if late else text)]
    return [
        Step(
            state=state,
            at=datetime.fromtimestamp(kept.committed, UTC),
            took_ms=None if job else round((kept.committed - kept.began) * 1000, 1),
            lookups=kept.lookups,
            notes=[each.text for each in kept.notes if each.position in (0, heard.position)],
        )
    ]


def _attempt_steps(attempts: Sequence[Attempt]) -> Iterator[Step]:
    """How each ended. One that left nothing, between others, died with its process."""
    before = 0
    for attempt in attempts:
        if attempt.outcome == Attempt.Outcome.RETRIED:
            before = 0
        else:
            for number in range(before + 1, min(attempt.number, ending.FIRST_KEPT)):
                yield Step(state="died", text=f"attempt {number}")
            before = max(before, attempt.number)
        yield _attempt_step(attempt)


def _attempt_step(attempt: Attempt) -> Step:
    number = f"attempt {attempt.number}" if attempt.number else ""
    by_hand = attempt.outcome in (Attempt.Outcome.RETRIED, Attempt.Outcome.DISCARDED)
    return Step(
        state=attempt.outcome,
        at=in_utc(attempt.began_at),
        took_ms=None if attempt.took_ms is None else round(attempt.took_ms, 1),
        text="by hand" if by_hand else number,
        error=f"{attempt.error_type}: {attempt.error}".removeprefix(": ") if attempt.error else "",
        traceback=attempt.traceback,
        lookups=[msgspec.convert(each, LookedUp) for each in attempt.lookups],
        notes=attempt.notes,
    )


def _delivery_step(delivery: Delivery) -> Step:
    text = {
        Delivery.State.WAITING: "next attempt not before",
        Delivery.State.QUEUED: "a job is to handle it",
        Delivery.State.DEAD: "given up: retry or discard it",
        Delivery.State.TRYING: "tried where its cursor stands, after a consumer died there",
    }[Delivery.State(delivery.state)]
    if delivery.claimed_until:
        text = "a run is under way, or died"
    waits = delivery.state == Delivery.State.WAITING and not delivery.claimed_until
    due = in_utc(delivery.due_at) if waits and delivery.due_at else None
    return Step(state=delivery.state, text=text, due=due)
