"""Inline delivery: everything at once, in process and without Redis. For tests only."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from threading import RLock
from types import MappingProxyType
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q

from carveout.conf import get_settings
from carveout.consumers import leftovers
from carveout.consumers.partition import PartitionConsumer
from carveout.consumers.source import LogSource
from carveout.deliveries.attempt import attempt
from carveout.errors import HandlerFailed
from carveout.eventlog import reader, sequencer
from carveout.events.event import PartitionRef
from carveout.models import Delivery
from carveout.subscriptions.subscription import Subscription, hosted, registry
from carveout.telemetry import correlation

WAIT_S = 10.0
"""How long a thread waits for another thread's run, which may be waiting for this thread."""

_one_at_a_time = RLock()
_under_way: ContextVar[bool] = ContextVar("carveout_inline", default=False)


class Left(NamedTuple):
    """What a run did not deliver."""

    failed: Sequence[Delivery] = ()
    """Deliveries that failed, or that wait because a lookup failed."""
    stalled: Mapping[str, Exception] = MappingProxyType({})
    """Why subscriptions have unhandled events, by name."""


def is_under_way() -> bool:
    """Whether a run of this thread called the current code."""
    return _under_way.get()


def deliver_on_commit(database: str) -> None:
    """Deliver when the open transaction on that database commits."""
    transaction.on_commit(deliver, using=database)


def drain() -> None:
    """Deliver, and raise an error for anything that failed or was left.

    Threads take turns. One that waits too long leaves its events to the current run.

    Raises: HandlerFailed: with everything that failed, stayed behind or was left.
    """
    if not _one_at_a_time.acquire(timeout=WAIT_S):
        return
    try:
        _drain()
    finally:
        _one_at_a_time.release()


def _drain() -> None:
    before = leftovers.before()
    failed, stalled = deliver()
    messages = [
        f"{name} waits: {type(why).__name__}: {why}" for name, why in sorted(stalled.items())
    ]
    if failed:
        what = "delivery failed:" if len(failed) == 1 else "deliveries failed:"
        messages.append(f"{len(failed)} {what}")
    messages += [f"{row}: {row.error_type}: {row.error}\n{row.traceback}" for row in failed]
    messages += leftovers.messages(before, stalled)
    if messages:
        raise HandlerFailed("\n".join(messages)) from next(iter(stalled.values()), None)


def deliver() -> Left:
    """Sequence, consume and attempt until nothing new is left.

    What fails stays parked. Events published in a handler are delivered by the current run.
    """
    if _under_way.get():
        return Left()
    token = _under_way.set(True)
    try:
        before = {(row.pk, row.attempts) for row in _tried() if row.attempts}
        stalled: dict[str, Exception] = {}
        with correlation.using(None):  # there may be events of other requests
            _begin(stalled)
            while _round(stalled):
                stalled.clear()
        failed = [row for row in _tried() if (row.pk, row.attempts) not in before]
        return Left(failed, stalled)
    finally:
        _under_way.reset(token)


def _begin(stalled: dict[str, Exception]) -> None:
    """Let subscriptions with start="now" start before this run, as if already consuming."""
    for context, subscriptions in _by_context().items():
        of_now = [each for each in subscriptions if each.start == "now"]
        for ref in _partitions() if of_now else ():
            _consume(context, ref, of_now, stalled)


def _round(stalled: dict[str, Exception]) -> int:
    settings = get_settings()
    done = sum(sequencer.sequence(context, settings.batch_rows) for context in settings.hosted)
    for context, subscriptions in _by_context().items():
        done += sum(_consume(context, ref, subscriptions, stalled) for ref in _partitions())
        done += _attempt_new(context)
    return done


def _by_context() -> Mapping[str, list[Subscription]]:
    by_context: dict[str, list[Subscription]] = defaultdict(list)
    for subscription in hosted(get_settings().hosted):
        by_context[subscription.context].append(subscription)
    return by_context


def _tried() -> list[Delivery]:
    return [
        row
        for database in get_settings().hosted_databases
        for row in Delivery.objects.using(database).filter(Q(attempts__gt=0) | ~Q(error_type=""))
    ]


def _partitions() -> list[PartitionRef]:
    return reader.all_partitions(get_settings().hosted)


def _consume(
    context: str,
    ref: PartitionRef,
    subscriptions: list[Subscription],
    stalled: dict[str, Exception],
) -> int:
    subscribed = [s for s in subscriptions if ref.context in s.source_contexts]
    if not subscribed:
        return 0
    consumer = PartitionConsumer(ref, subscribed, LogSource(context, ref))
    done = consumer.run_once()
    stalled |= consumer.stalled
    return done


def _attempt_new(context: str) -> int:
    """Try each untried delivery: jobs, and those that waited behind an earlier one."""
    database = get_settings().database_of(context)
    rows = Delivery.objects.using(database).filter(
        attempts=0, subscription__startswith=f"{context}."
    )
    before = rows.count()
    for row in rows.order_by("position", "id"):
        if row.subscription in registry:
            attempt(row, registry[row.subscription])
    return before - rows.count()
