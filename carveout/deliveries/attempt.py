"""Makes one attempt at a delivery: claim and count it, run the handler, remove it."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

from django.db import Error, transaction
from django.utils import timezone

from carveout.deliveries import store as delivery
from carveout.deliveries.attempt_log import AttemptRun
from carveout.errors import CursorMoved, LookupFailed
from carveout.models import Delivery
from carveout.runtime import databases, stopping
from carveout.runtime.failpoints import reach
from carveout.runtime.stopping import WorkerStopped
from carveout.runtime.uninterruptible import uninterrupted
from carveout.subscriptions import fault_attribution
from carveout.subscriptions.fault_attribution import Course
from carveout.subscriptions.handler import call_handler, prefetch
from carveout.subscriptions.subscription import Subscription
from carveout.telemetry import instrumentation, spans
from carveout.telemetry.notes import RunNotes, collecting

logger = logging.getLogger(__name__)

_owed: list[partial[None]] = []
"""Outcomes of earlier attempts that could not be stored, as the database was unreachable."""


@uninterrupted
def attempt(
    row: Delivery, subscription: Subscription, begins: Callable[[], object] = lambda: None
) -> bool:
    """Try a delivery once. Skips one that is done, dead, running or not yet due.

    row: the delivery as it was read. begins: called once it is claimed, which may take time.
    Returns: whether it is done now.

    After a handler's error it waits for its next attempt; after the last attempt it is dead. A
    process that dies counts the same: after the last attempt there is no further one.

    Raises: Error: the database does not answer.
    """
    settle()
    if not delivery.claim(row, subscription):
        return False
    if not subscription.handles(delivery.event_of(row)):
        logger.info("%s is left to a release that handles its type", row)
        delivery.leave(row, subscription.database)
        return False
    if row.attempts > subscription.max_attempts:
        logger.error("%s is dead: every attempt crashed the process", row)
        delivery.mark_dead(row, subscription)
        return False
    begins()
    if not _ran_well(row, subscription):
        return False
    instrumentation.delivered(subscription.name, delivery.event_of(row).type)
    return True


def settle() -> None:
    """Store unsaved outcomes of earlier attempts. Raises: Error: the database is unreachable."""
    while _owed:
        _owed[0]()
        _owed.pop(0)


def _ran_well(claimed: Delivery, subscription: Subscription) -> bool:
    """Run a claimed delivery and store how it ended."""
    run, course = AttemptRun(timezone.now(), RunNotes()), Course(subscription.database)
    try:
        _run(claimed, subscription, run, course)
    except CursorMoved as moved:
        logger.warning("%s", moved)
        return False
    except WorkerStopped:
        stopping.interrupt_no_more()
        databases.drop_unusable()
        delivery.put_back(claimed, subscription)
        raise
    except Exception as error:
        # A failed lookup is not the event's fault, so it does not count as an attempt.
        blameless = isinstance(error, LookupFailed) or fault_attribution.is_elsewhere(
            error, course, subscription, claimed.event_id
        )
        databases.drop_unusable()
        _store_failure(claimed, subscription, error, run, counts=not blameless)
        logger.warning("%s attempt %d: %r", claimed, claimed.attempts, error)
        return False
    return True


def _store_failure(
    claimed: Delivery,
    subscription: Subscription,
    error: Exception,
    run: AttemptRun,
    *,
    counts: bool,
) -> None:
    store = partial(delivery.fail, claimed, subscription, error, run, counts=counts)
    try:
        store()
    except Error:
        _owed.append(store)  # the outcome is recorded nowhere else
        raise
    instrumentation.failed(claimed.subscription, delivery.event_of(claimed).type)


def _run(claimed: Delivery, subscription: Subscription, run: AttemptRun, course: Course) -> None:
    reach("attempt: claimed")
    event, alias = delivery.event_of(claimed), subscription.database
    with (
        spans.handling(subscription.name, [event.traceparent]),
        collecting(run.run_notes, undone=subscription.atomic),
    ):
        fetched = prefetch(subscription.lookups, [event])
        with transaction.atomic(using=alias) if subscription.atomic else nullcontext():
            with course.of_handler():
                call_handler(subscription, [event], fetched)
            reach("attempt: handled")
            with transaction.atomic(using=alias, savepoint=False):
                delivery.complete(claimed, alias, run)
            reach("attempt: removed")
    reach("attempt: committed")
