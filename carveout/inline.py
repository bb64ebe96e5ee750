"""Inline delivery: everything at once, in process and without Redis. For tests."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from threading import RLock
from types import MappingProxyType
from typing import NamedTuple

from django.db.models import Q

from carveout import correlation, leftover, log, sequencer
from carveout.attempt import attempt
from carveout.conf import get_settings
from carveout.errors import HandlerFailed
from carveout.event import Place
from carveout.models import Delivery
from carveout.partition import PartitionConsumer
from carveout.source import LogSource
from carveout.subscription import Subscription, hosted

WAIT_S = 10.0
"""How long a thread waits for the run of another one, which may wait for what this thread does."""

_one_at_a_time = RLock()
_under_way: ContextVar[bool] = ContextVar("carveout_inline", default=False)


class Left(NamedTuple):
    """What a run left undone."""

    failed: Sequence[Delivery] = ()
    """Deliveries that failed in it, or that wait since a lookup failed."""
    stalled: Mapping[str, Exception] = MappingProxyType({})
    """Why subscriptions stayed behind, by name."""


def is_under_way() -> bool:
    """Does a run of this thread call the code that asks?"""
    return _under_way.get()


def drain() -> None:
    """Deliver, and let nothing that failed or was left pass in silence.

    Threads take turns. One that waits too long leaves its events to the run that is under way.

    Raises: HandlerFailed: with everything that failed, stayed behind or was left.
    """
    if not _one_at_a_time.acquire(timeout=WAIT_S):
        return
    try:
        _drain()
    finally:
        _one_at_a_time.release()


def _drain() -> None:
    before = leftover.before()
    failed, stalled = deliver()
    told = [f"{name} waits: {type(why).__name__}: {why}" for name, why in sorted(stalled.items())]
    if failed:
        told.append(f"{len(failed)} deliveries failed:")
    told += [f"{row}: {row.error_type}: {row.error}\n{row.traceback}" for row in failed]
    told += leftover.told(before, stalled)
    if told:
        raise HandlerFailed("\n".join(told)) from next(iter(stalled.values()), None)


def deliver() -> Left:
    """Sequence, consume and attempt until nothing new is left.

    What fails stays parked. A publish in a handler is taken up by the run that is under way.
    """
    if _under_way.get():
        return Left()
    token = _under_way.set(True)
    try:
        before = {(row.pk, row.attempts) for row in _tried() if row.attempts}
        stalled: dict[str, Exception] = {}
        with correlation.using(None):  # a request's events may not be the only ones
            _begin(stalled)
            while _round(stalled):
                stalled.clear()
        failed = [row for row in _tried() if (row.pk, row.attempts) not in before]
        return Left(failed, stalled)
    finally:
        _under_way.reset(token)


def _begin(stalled: dict[str, Exception]) -> None:
    """What starts "now" starts before this run, as if its consumer had been there all along."""
    for context, subscriptions in _by_context().items():
        of_now = [each for each in subscriptions if each.start == "now"]
        for place in _places() if of_now else ():
            _consume(context, place, of_now, stalled)


def _round(stalled: dict[str, Exception]) -> int:
    settings = get_settings()
    done = sum(sequencer.sequence(context, settings.batch_rows) for context in settings.hosted)
    for context, subscriptions in _by_context().items():
        done += sum(_consume(context, place, subscriptions, stalled) for place in _places())
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


def _places() -> list[Place]:
    return log.places_of(get_settings().hosted)


def _consume(
    context: str, place: Place, subscriptions: list[Subscription], stalled: dict[str, Exception]
) -> int:
    hearing = [s for s in subscriptions if place[0] in s.sources]
    if not hearing:
        return 0
    consumer = PartitionConsumer(place, hearing, LogSource(context, place))
    done = consumer.run_once()
    stalled |= consumer.stalled
    return done


def _attempt_new(context: str) -> int:
    """Try each delivery that was never tried: jobs, and what waits behind an earlier one."""
    database = get_settings().database_of(context)
    rows = Delivery.objects.using(database).filter(
        attempts=0, subscription__startswith=f"{context}."
    )
    before = rows.count()
    for delivery_id in rows.order_by("position", "id").values_list("pk", flat=True):
        attempt(delivery_id, database)
    return before - rows.count()
