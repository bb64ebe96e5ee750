"""Handles one event at a time, each in its own transaction.

Used after a consumer died in the middle of a batch, or when a handler breaks its transaction. Each
attempt is recorded before the handler is called, so an event that crashes its process is dead after
its last attempt and stops killing consumers. A handler's error is stored in another transaction
than the handler's, on another connection if necessary.
"""

import logging
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from carveout.consumers import attempt_records
from carveout.consumers.batch import (
    Stretch,
    SubscriptionBatch,
    deliver_one,
    park_failed,
    report_parked,
)
from carveout.deliveries.attempt_log import AttemptRun
from carveout.errors import CopyOvertaken, CursorMoved, LogMismatch
from carveout.runtime import databases, stopping
from carveout.runtime.stopping import WorkerStopped
from carveout.runtime.uninterruptible import uninterrupted
from carveout.subscriptions import cursors, fault_attribution
from carveout.subscriptions.cursors import CursorPosition
from carveout.subscriptions.fault_attribution import Course
from carveout.telemetry.notes import RunNotes

logger = logging.getLogger(__name__)

ONE_BY_ONE_ROWS = 10
"""Small, so that a consumer that is asked to stop does so soon, and that the events behind one that
breaks its transaction soon run in batches again."""


def handle_one_by_one(batch: SubscriptionBatch, stretch: Stretch) -> CursorPosition:
    """Handle a stretch for one subscription, or its first few events, one event at a time.

    Returns: where it is now.
    Raises: CursorMoved, CopyOvertaken: another process was here first; what was handled stays.
            Error: the database is in trouble; the same.
    """
    at = stretch.old
    for handled, event in enumerate(batch.events):
        if handled == ONE_BY_ONE_ROWS or (handled and stretch.time_is_up()):
            return at
        to = CursorPosition(event.position, event.id)
        _handle_one(replace(batch, events=[event]), replace(stretch, old=at, new=to))
        at = to
    if at.position < stretch.new.position:
        with transaction.atomic(using=batch.subscription.database):
            _advance(batch, replace(stretch, old=at))
    return stretch.new


@uninterrupted
def _handle_one(batch: SubscriptionBatch, step: Stretch) -> None:
    subscription, event = batch.subscription, batch.events[0]
    attempts = attempt_records.begin_attempt(subscription, event)
    course, began_at = Course(subscription.database), timezone.now()
    if attempts > subscription.max_attempts:
        _mark_dead(batch, step)
        return
    try:
        with transaction.atomic(using=subscription.database):
            _advance(batch, step)
            attempt_records.end_attempt(subscription, event)
            with course.of_handler():
                deliver_one(batch)
    except (CursorMoved, CopyOvertaken, LogMismatch):
        attempt_records.end_attempt(subscription, event)
        raise
    except WorkerStopped:
        stopping.interrupt_no_more()
        databases.drop_unusable()
        attempt_records.take_back(subscription, event)
        raise
    except Exception as error:
        elsewhere = fault_attribution.is_elsewhere(error, course, subscription, event.id)
        databases.drop_unusable()
        if elsewhere:
            attempt_records.take_back(subscription, event)
            raise
        _park(batch, step, error, AttemptRun(began_at, RunNotes(batch.run_notes.lookups)))


def _park(batch: SubscriptionBatch, step: Stretch, error: Exception, run: AttemptRun) -> None:
    """Park an event after its handler's rollback; the attempt is still recorded."""
    with transaction.atomic(using=batch.subscription.database):
        _advance(batch, step)
        park_failed(batch, error, run)
    report_parked(batch, error)


def _mark_dead(batch: SubscriptionBatch, step: Stretch) -> None:
    subscription, event = batch.subscription, batch.events[0]
    with transaction.atomic(using=subscription.database):
        _advance(batch, step)
        attempt_records.mark_dead(subscription, event)
    logger.error("%s: %s is dead: every attempt crashed the process", subscription.name, event.key)


def _advance(batch: SubscriptionBatch, step: Stretch) -> None:
    types, alias = {batch.subscription.name: batch.types}, batch.subscription.database
    cursors.advance(types, step.ref, step.old, step.new, alias)
