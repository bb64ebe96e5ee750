"""Inline delivery: everything at once, in process and without Redis. For tests."""

from collections import defaultdict
from contextvars import ContextVar

from carveout import correlation, log, sequencer
from carveout.attempt import attempt
from carveout.conf import get_settings
from carveout.event import Place
from carveout.models import Delivery
from carveout.partition import PartitionConsumer
from carveout.source import LogSource
from carveout.subscription import Subscription, hosted

_under_way: ContextVar[bool] = ContextVar("carveout_inline", default=False)


def deliver() -> list[Delivery]:
    """Sequence, consume and attempt until nothing new is left.

    What fails stays parked. A publish in a handler is taken up by the run that is under way.

    Returns: the deliveries that failed in this run.
    """
    if _under_way.get():
        return []
    token = _under_way.set(True)
    try:
        before = {(row.pk, row.attempts) for row in _tried()}
        with correlation.using(None):  # a request's events may not be the only ones
            while _round():
                pass
        return [row for row in _tried() if (row.pk, row.attempts) not in before]
    finally:
        _under_way.reset(token)


def _round() -> int:
    settings = get_settings()
    done = sum(sequencer.sequence(context, settings.batch_rows) for context in settings.hosted)
    by_context: dict[str, list[Subscription]] = defaultdict(list)
    for subscription in hosted(settings.hosted):
        by_context[subscription.context].append(subscription)
    for context, subscriptions in by_context.items():
        done += sum(_consume(context, place, subscriptions) for place in _places())
        done += _attempt_new(context)
    return done


def _tried() -> list[Delivery]:
    databases = {get_settings().database_of(context) for context in get_settings().hosted}
    return [
        row
        for database in sorted(databases)
        for row in Delivery.objects.using(database).filter(attempts__gt=0)
    ]


def _places() -> list[Place]:
    return log.places_of(get_settings().hosted)


def _consume(context: str, place: Place, subscriptions: list[Subscription]) -> int:
    hearing = [s for s in subscriptions if place[0] in s.sources]
    if not hearing:
        return 0
    return PartitionConsumer(place, hearing, LogSource(context, place)).run_once()


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
