"""Handles one batch: handlers and cursors in one transaction, or a few calls at a time."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from django.db import connections, transaction
from django.utils import timezone

from carveout.deliveries import job_queue, runnable, store
from carveout.deliveries.attempt_log import AttemptRun
from carveout.errors import CopyOvertaken, CursorMoved, LogMismatch
from carveout.events.event import PartitionRef, ReceivedEvent
from carveout.models import Delivery
from carveout.runtime import stopping
from carveout.runtime.failpoints import reach
from carveout.subscriptions import cursors
from carveout.subscriptions.cursors import CursorPosition
from carveout.subscriptions.handler import FetchedLookups, call_handler, declined
from carveout.subscriptions.subscription import Subscription
from carveout.telemetry import instrumentation
from carveout.telemetry.notes import RunNotes, collecting

logger = logging.getLogger(__name__)

ROWS_PER_SAVEPOINT = 10
"""A savepoint costs about half as much as a handler that stores a row. If one event in a hundred
fails, this number of events per savepoint is the cheapest."""
TRANSACTION_S = 3.0
"""A batch that takes longer commits what it has handled; the next batch continues from there."""


@dataclass(frozen=True)
class SubscriptionBatch:
    """The events of a batch for one subscription, with its lookups fetched."""

    subscription: Subscription
    events: Sequence[ReceivedEvent]
    fetched: FetchedLookups = field(default_factory=dict)
    run_notes: RunNotes = field(default_factory=RunNotes)
    types: str = ""
    """The types that its cursor moves for."""


@dataclass(frozen=True)
class Stretch:
    """The range of a batch: a partition, where its cursors are, and how far they may move."""

    ref: PartitionRef
    old: CursorPosition
    new: CursorPosition
    ends_at: float = field(default_factory=lambda: time.monotonic() + TRANSACTION_S)

    def time_is_up(self) -> bool:
        """Whether to commit what is handled; also if this process was asked to stop."""
        return stopping.asked() or time.monotonic() > self.ends_at

    def reached(self, batch: SubscriptionBatch, handled: int) -> CursorPosition:
        """The cursor of a subscription after this many of its events."""
        if handled == len(batch.events):
            return self.new
        if handled == 0:
            return self.old
        last = batch.events[handled - 1]
        return CursorPosition(last.position, last.id)


Reached = dict[str, CursorPosition]
"""Where each subscription of a batch is now."""


class _Parked(list[tuple[SubscriptionBatch, Exception]]):
    """Events parked in the open transaction; they are reported only after its commit."""

    def report(self) -> None:
        for batch, error in self:
            report_parked(batch, error)


def handle(batches: Sequence[SubscriptionBatch], stretch: Stretch) -> Reached:
    """Run the handlers of subscriptions that are at the same position and move their cursors.

    An event that a handler fails on is parked as a delivery; the others are not affected.

    Returns: how far each got; less than the whole batch if time was up.
    Raises: CursorMoved, CopyOvertaken: another process was here first; all is rolled back.
            Exception: a handler took the transaction away, or the database is in trouble;
                everything is rolled back, handle the events one by one.
    """
    try:
        return _handle_all(batches, stretch)
    except (CursorMoved, CopyOvertaken, LogMismatch):
        raise
    except Exception as error:
        at = (stretch.ref, stretch.old.position)
        logger.info("%s after %s: batch failed, now a few events at a time: %r", *at, error)
    # Outside the `except`: else that error would become the context of what a handler raises now.
    return _handle_in_savepoints(batches, stretch)


def _handle_all(batches: Sequence[SubscriptionBatch], stretch: Stretch) -> Reached:
    reached = Reached()
    with transaction.atomic(using=batches[0].subscription.database):
        for batch in batches:
            if reached and stretch.time_is_up():
                break
            reached[batch.subscription.name] = stretch.reached(batch, _deliver(batch, stretch))
        _advance(reached, batches, stretch)
    return _everywhere(batches, stretch, reached)


def _handle_in_savepoints(batches: Sequence[SubscriptionBatch], stretch: Stretch) -> Reached:
    reached, parked = Reached(), _Parked()
    for batch in batches:
        batch.run_notes.notes.clear()  # their work was rolled back
        batch.run_notes.declined.clear()
    with transaction.atomic(using=batches[0].subscription.database):
        for batch in batches:
            if reached and stretch.time_is_up():
                break
            handled = _run_savepoints(batch, stretch, parked)
            reached[batch.subscription.name] = stretch.reached(batch, handled)
        _advance(reached, batches, stretch)
    parked.report()
    return _everywhere(batches, stretch, reached)


def _everywhere(
    batches: Sequence[SubscriptionBatch], stretch: Stretch, reached: Reached
) -> Reached:
    return {batch.subscription.name: stretch.old for batch in batches} | reached


def _run_savepoints(batch: SubscriptionBatch, stretch: Stretch, parked: _Parked) -> int:
    """Returns: how many events were handled or parked."""
    handled = 0
    while handled < len(batch.events) and not (handled and stretch.time_is_up()):
        some = replace(batch, events=batch.events[handled : handled + ROWS_PER_SAVEPOINT])
        handled += _run_savepoint(some, stretch, parked)
    return handled


def _run_savepoint(batch: SubscriptionBatch, stretch: Stretch, parked: _Parked) -> int:
    """Run a few events in a savepoint; each in one of its own if that fails."""
    database = batch.subscription.database
    if len(batch.events) > 1:
        with suppress(Exception), transaction.atomic(using=database):
            return _deliver(batch, stretch)
        _require_transaction(database)
    for done, event in enumerate(batch.events):
        if done and stretch.time_is_up():
            return done
        _handle_or_park(replace(batch, events=[event]), parked)
    return len(batch.events)


def _handle_or_park(batch: SubscriptionBatch, parked: _Parked) -> None:
    """Run one event in a savepoint of the open transaction; park it if it fails."""
    subscription, began_at = batch.subscription, timezone.now()
    try:
        with transaction.atomic(using=subscription.database):
            deliver_one(batch)
    except CopyOvertaken:
        raise
    except Exception as error:
        _require_transaction(subscription.database)
        park_failed(batch, error, AttemptRun(began_at, RunNotes(batch.run_notes.lookups)))
        parked.append((batch, error))


def _require_transaction(database: str) -> None:
    """Raises: TransactionLost: the exception being handled also ended the transaction."""
    ours = connections[database]
    if ours.closed_in_transaction or ours.needs_rollback:
        raise TransactionLost(database)


class TransactionLost(Exception):
    """The transaction of a batch is gone, so nothing can be parked in it."""


def deliver_one(batch: SubscriptionBatch) -> None:
    """Run one event in the open transaction, or park it behind an earlier one of its key."""
    if _unblocked(batch):
        _run(batch, batch.events, None)
    else:
        store.park(batch.subscription, batch.events, Delivery.State.WAITING)


def park_failed(batch: SubscriptionBatch, error: Exception, run: AttemptRun) -> None:
    """Park an event that its handler failed on, in the open transaction."""
    store.park(batch.subscription, batch.events, Delivery.State.WAITING, error, run)


def report_parked(batch: SubscriptionBatch, error: Exception) -> None:
    """Log and count a failure, once the parked event is committed."""
    name, event = batch.subscription.name, batch.events[0]
    logger.warning("%s: %s %s parked: %r", name, event.type, event.key, error)
    instrumentation.failed(name, event.type)


def _deliver(batch: SubscriptionBatch, stretch: Stretch) -> int:
    """Returns: how many events were handled, or parked behind earlier ones of their keys."""
    unblocked = _unblocked(batch)
    done = _run(batch, unblocked, stretch)
    if len(unblocked) == len(batch.events):
        return done
    handled = len(batch.events) if done == len(unblocked) else batch.events.index(unblocked[done])
    going = set(map(id, unblocked))
    behind = [event for event in batch.events[:handled] if id(event) not in going]
    store.park(batch.subscription, behind, Delivery.State.WAITING)
    return handled


def _run(batch: SubscriptionBatch, events: Sequence[ReceivedEvent], stretch: Stretch | None) -> int:
    if batch.subscription.via == "rq":
        job_queue.park_and_wake(batch.subscription, _wanted(batch, events))
        return len(events)
    if not events:
        return 0
    with collecting(batch.run_notes):
        until = (stretch.time_is_up,) if stretch else ()
        return call_handler(batch.subscription, events, batch.fetched, *until)


def _wanted(batch: SubscriptionBatch, events: Sequence[ReceivedEvent]) -> Sequence[ReceivedEvent]:
    """The events that need a job; those that only another release handles are for that release."""
    subscription = batch.subscription
    if subscription.when is None:
        return events
    ours = [event for event in events if subscription.handles(event)]
    unwanted = {
        event.position for event in declined(subscription, subscription.when, ours, batch.fetched)
    }
    batch.run_notes.declined |= unwanted
    return [event for event in events if event.position not in unwanted]


def _unblocked(batch: SubscriptionBatch) -> Sequence[ReceivedEvent]:
    """The events that may be handled now.

    Others wait behind an earlier one of their key, or only another release handles them.
    """
    subscription = batch.subscription
    if subscription.via == "rq":
        return batch.events
    events = [event for event in batch.events if subscription.handles(event)]
    if not subscription.ordered or not events:
        return events
    blocked = runnable.blocked_keys(subscription, events)
    blocked |= {event.key for event in batch.events if not subscription.handles(event)}
    return [event for event in events if event.key not in blocked]


def _advance(reached: Reached, batches: Iterable[SubscriptionBatch], stretch: Stretch) -> None:
    reach("consumer: handled")
    by_position: dict[CursorPosition, list[SubscriptionBatch]] = defaultdict(list)
    for batch in batches:
        by_position[reached.get(batch.subscription.name, stretch.old)].append(batch)
    for at, some in by_position.items():
        if at != stretch.old:
            types = {batch.subscription.name: batch.types for batch in some}
            cursors.advance(types, stretch.ref, stretch.old, at, some[0].subscription.database)
    reach("consumer: cursor moved")
