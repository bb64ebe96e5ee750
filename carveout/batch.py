"""One batch: handlers and cursors in one transaction, a few calls at a time if that fails."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from django.db import connections, transaction
from django.utils import timezone

from carveout import cursor, delivery, jobs, stop, tally, turn
from carveout.annotation import Gathered, gathering
from carveout.cursor import At
from carveout.ending import Run
from carveout.errors import CursorMoved, LogMismatch
from carveout.event import Place, ReceivedEvent
from carveout.failpoint import reach
from carveout.handling import Found, call
from carveout.models import Delivery
from carveout.subscription import Subscription

logger = logging.getLogger(__name__)

ROWS_PER_SAVEPOINT = 10
"""A savepoint costs about half of what a handler does that stores a row. If one event of a hundred
fails, so many share one at the least cost."""
TRANSACTION_S = 3.0
"""A batch that takes longer commits what it has handled; the next one goes on from there."""


@dataclass(frozen=True)
class Share:
    """What one subscription gets of a batch, with its lookups fetched."""

    subscription: Subscription
    events: Sequence[ReceivedEvent]
    found: Found = field(default_factory=dict)
    gathered: Gathered = field(default_factory=Gathered)
    hears: str = ""
    """The types that its cursor moves for."""


@dataclass(frozen=True)
class Stretch:
    """What a batch goes over: a partition, where its cursors are, and where they may get to."""

    place: Place
    old: At
    new: At
    ends_at: float = field(default_factory=lambda: time.monotonic() + TRANSACTION_S)

    def time_is_up(self) -> bool:
        """Commit what is handled? Also if this process was told to stop."""
        return stop.asked() or time.monotonic() > self.ends_at

    def reached(self, share: Share, handled: int) -> At:
        """Where a subscription is that has handled so many of its events."""
        if handled == len(share.events):
            return self.new
        if handled == 0:
            return self.old
        last = share.events[handled - 1]
        return At(last.position, last.id)


Reached = dict[str, At]
"""Where each subscription of a batch is now."""


class _Parked(list[tuple[Share, Exception]]):
    """What is parked when the open transaction commits, and only then told."""

    def tell(self) -> None:
        for share, error in self:
            tell_parked(share, error)


def handle(shares: Sequence[Share], stretch: Stretch) -> Reached:
    """Run the handlers of subscriptions that are at the same position and move their cursors.

    An event that a handler fails on is parked as a delivery; the others are not affected.

    Returns: how far each came; not to the end if time was up.
    Raises: CursorMoved: another consumer was here first; everything is rolled back.
            Exception: a handler took the transaction away, or the database is in trouble;
                everything is rolled back, run it carefully.
    """
    try:
        return _together(shares, stretch)
    except (CursorMoved, LogMismatch):
        raise
    except Exception as error:
        at = (*stretch.place, stretch.old.position)
        logger.info("%s.%s after %s: a few at a time, because of %r", *at, error)
    # Outside the `except`: whatever a handler raises now would have that error as its context.
    return _a_few_at_a_time(shares, stretch)


def _together(shares: Sequence[Share], stretch: Stretch) -> Reached:
    reached = Reached()
    with transaction.atomic(using=shares[0].subscription.database):
        for share in shares:
            if reached and stretch.time_is_up():
                break
            reached[share.subscription.name] = stretch.reached(share, _deliver(share, stretch))
        _advance(reached, shares, stretch)
    return _everywhere(shares, stretch, reached)


def _a_few_at_a_time(shares: Sequence[Share], stretch: Stretch) -> Reached:
    reached, parked = Reached(), _Parked()
    for share in shares:
        share.gathered.notes.clear()  # what they tell of was rolled back
    with transaction.atomic(using=shares[0].subscription.database):
        for share in shares:
            if reached and stretch.time_is_up():
                break
            handled = _in_savepoints(share, stretch, parked)
            reached[share.subscription.name] = stretch.reached(share, handled)
        _advance(reached, shares, stretch)
    parked.tell()
    return _everywhere(shares, stretch, reached)


def _everywhere(shares: Sequence[Share], stretch: Stretch, reached: Reached) -> Reached:
    return {share.subscription.name: stretch.old for share in shares} | reached


def _in_savepoints(share: Share, stretch: Stretch, parked: _Parked) -> int:
    """Returns: how many events were handled or parked."""
    handled = 0
    while handled < len(share.events) and not (handled and stretch.time_is_up()):
        some = replace(share, events=share.events[handled : handled + ROWS_PER_SAVEPOINT])
        handled += _attempt(some, stretch, parked)
    return handled


def _attempt(share: Share, stretch: Stretch, parked: _Parked) -> int:
    """Run a few events in a savepoint; each in one of its own if that fails."""
    database = share.subscription.database
    if len(share.events) > 1:
        with suppress(Exception), transaction.atomic(using=database):
            return _deliver(share, stretch)
        _insist_on_a_transaction(database)
    for done, event in enumerate(share.events):
        if done and stretch.time_is_up():
            return done
        _attempt_one(replace(share, events=[event]), parked)
    return len(share.events)


def _attempt_one(share: Share, parked: _Parked) -> None:
    """Run one event in a savepoint of the transaction that is open; park it if it fails."""
    subscription, began_at = share.subscription, timezone.now()
    try:
        with transaction.atomic(using=subscription.database):
            deliver_one(share)
    except Exception as error:
        _insist_on_a_transaction(subscription.database)
        park(share, error, Run(began_at, Gathered(share.gathered.lookups)))
        parked.append((share, error))


def _insist_on_a_transaction(database: str) -> None:
    """Raises: what the open exception says, if it took the transaction away with it."""
    ours = connections[database]
    if ours.closed_in_transaction or ours.needs_rollback:
        raise TransactionLost(database)


class TransactionLost(Exception):
    """The transaction of a batch is gone, so nothing can be parked in it."""


def deliver_one(share: Share) -> None:
    """Run one event in the transaction that is open, or keep it behind one of its key."""
    if _unblocked(share):
        _run(share, share.events, None)
    else:
        delivery.store(share.subscription, share.events, Delivery.State.WAITING)


def park(share: Share, error: Exception, run: Run) -> None:
    """Keep an event that its handler failed on, in the transaction that is open."""
    delivery.store(share.subscription, share.events, Delivery.State.WAITING, error, run)


def tell_parked(share: Share, error: Exception) -> None:
    """Log and count a failure, once it is committed that the event is parked."""
    name, event = share.subscription.name, share.events[0]
    logger.warning("%s: %s %s parked: %r", name, event.type, event.key, error)
    tally.count("failed", f"{name} {event.type}")


def _deliver(share: Share, stretch: Stretch) -> int:
    """Returns: how many events were handled, or are kept behind earlier ones of their keys."""
    unblocked = _unblocked(share)
    done = _run(share, unblocked, stretch)
    if len(unblocked) == len(share.events):
        return done
    handled = len(share.events) if done == len(unblocked) else share.events.index(unblocked[done])
    going = set(map(id, unblocked))
    behind = [event for event in share.events[:handled] if id(event) not in going]
    delivery.store(share.subscription, behind, Delivery.State.WAITING)
    return handled


def _run(share: Share, events: Sequence[ReceivedEvent], stretch: Stretch | None) -> int:
    if share.subscription.via == "rq":
        jobs.hand_over(share.subscription, events)
        return len(events)
    if not events:
        return 0
    with gathering(share.gathered):
        until = (stretch.time_is_up,) if stretch else ()
        return call(share.subscription, events, share.found, *until)


def _unblocked(share: Share) -> Sequence[ReceivedEvent]:
    """The events that may be handled now.

    Others are behind an earlier one of their key, or only another release hears them.
    """
    subscription = share.subscription
    if subscription.via == "rq":
        return share.events
    events = [event for event in share.events if subscription.hears(event)]
    if not subscription.ordered or not events:
        return events
    blocked = turn.blocked_keys(subscription, events)
    blocked |= {event.key for event in share.events if not subscription.hears(event)}
    return [event for event in events if event.key not in blocked]


def _advance(reached: Reached, shares: Iterable[Share], stretch: Stretch) -> None:
    reach("consumer: handled")
    together: dict[At, list[Share]] = defaultdict(list)
    for share in shares:
        together[reached.get(share.subscription.name, stretch.old)].append(share)
    for at, some in together.items():
        if at != stretch.old:
            hears = {share.subscription.name: share.hears for share in some}
            cursor.advance(hears, stretch.place, stretch.old, at, some[0].subscription.database)
    reach("consumer: cursor moved")
