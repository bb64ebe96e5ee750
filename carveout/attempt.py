"""One attempt at one delivery: claimed and counted first, then run, then removed."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

from django.db import Error, transaction
from django.utils import timezone

from carveout import blame, database, delivery, jobs, spans, stop, tally, turn
from carveout.annotation import Gathered, gathering
from carveout.blame import Course
from carveout.ending import Run
from carveout.errors import CursorMoved, LookupFailed
from carveout.failpoint import reach
from carveout.handling import call, prefetch
from carveout.models import Delivery
from carveout.stop import WorkerStopped
from carveout.subscription import Subscription, registry
from carveout.uninterrupted import uninterrupted

logger = logging.getLogger(__name__)

_owed: list[partial[None]] = []
"""What could not be stored of earlier attempts, because their database was away."""


@uninterrupted
def attempt(delivery_id: int, alias: str, begins: Callable[[], object] = lambda: None) -> None:
    """Try a delivery once. One that is done, dead, running or not yet its turn is left alone.

    begins: is called when it is claimed, which may have taken time.

    A handler's error puts it back for its next attempt, or makes it dead after the last one. So
    does the death of its process: the attempt after the last one is not made. One whose
    subscription is not declared here is left to processes that know it, and nothing is counted.

    Raises: Error: the database does not answer.
    """
    settle()
    ordered = [name for name, known in registry.items() if known.ordered]
    claimed = delivery.claim(delivery_id, alias, ordered)
    if claimed is None:
        return
    subscription = registry[claimed.subscription]
    if not subscription.hears(delivery.event_of(claimed)):
        logger.info("%s is left to a release that hears its type", claimed)
        delivery.leave(claimed, alias)
        return
    if claimed.attempts > subscription.max_attempts:
        logger.error("%s is dead: every attempt ended its process", claimed)
        delivery.give_up(claimed, subscription)
        return
    begins()
    if _ran_well(claimed, subscription):
        _count("done", claimed)
        _wake_next(claimed, subscription)


def settle() -> None:
    """Store what earlier attempts owe. Raises: Error: the database is still away."""
    while _owed:
        _owed[0]()
        _owed.pop(0)


def _ran_well(claimed: Delivery, subscription: Subscription) -> bool:
    """Run a delivery that is claimed, and store how it ended."""
    run, course = Run(timezone.now(), Gathered()), Course(subscription.database)
    try:
        _run(claimed, subscription, run, course)
    except CursorMoved as moved:
        logger.warning("%s", moved)
        return False
    except WorkerStopped:
        stop.interrupt_no_more()
        database.drop_unusable()
        delivery.put_back(claimed, subscription)
        raise
    except Exception as error:
        # A context that can't be looked up is not the event's fault and burns no attempt.
        blameless = isinstance(error, LookupFailed) or blame.is_elsewhere(
            error, course, subscription, claimed.event_id
        )
        database.drop_unusable()
        _store_failure(claimed, subscription, error, run, counts=not blameless)
        logger.warning("%s attempt %d: %r", claimed, claimed.attempts, error)
        return False
    return True


def _store_failure(
    claimed: Delivery, subscription: Subscription, error: Exception, run: Run, *, counts: bool
) -> None:
    store = partial(delivery.failed, claimed, subscription, error, run, counts=counts)
    try:
        store()
    except Error:
        _owed.append(store)  # nobody else knows how it ended
        raise
    _count("failed", claimed)


def _count(kind: str, claimed: Delivery) -> None:
    tally.count(kind, f"{claimed.subscription} {delivery.event_of(claimed).type}")


def _run(claimed: Delivery, subscription: Subscription, run: Run, course: Course) -> None:
    reach("attempt: claimed")
    event, alias = delivery.event_of(claimed), subscription.database
    with (
        spans.handling(subscription.name, [event.traceparent]),
        gathering(run.gathered, undone=subscription.atomic),
    ):
        found = prefetch(subscription, [event])
        with transaction.atomic(using=alias) if subscription.atomic else nullcontext():
            with course.of_handler():
                call(subscription, [event], found)
            reach("attempt: handled")
            with transaction.atomic(using=alias, savepoint=False):
                delivery.done(claimed, alias, run)
            reach("attempt: removed")
    reach("attempt: committed")


def _wake_next(claimed: Delivery, subscription: Subscription) -> None:
    """Let the event go that waited behind this one."""
    if not subscription.ordered:
        return
    behind = turn.next_of_key(claimed, subscription.database)
    if behind is not None and subscription.via == "rq":
        jobs.enqueue(subscription.context, [behind])
