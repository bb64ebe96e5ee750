"""One batch: handlers and cursors in one transaction, a few calls at a time if that fails."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from django.db import transaction
from django.utils import timezone

from carveout import cursor, delivery, jobs, tally, turn
from carveout.annotation import Gathered, gathering
from carveout.cursor import At
from carveout.ending import Run
from carveout.errors import CursorMoved
from carveout.event import Place, ReceivedEvent
from carveout.failpoint import reach
from carveout.handling import Found, call
from carveout.models import Delivery
from carveout.subscription import Subscription

logger = logging.getLogger(__name__)

ROWS_PER_SAVEPOINT = 10
"""A savepoint costs about half of what a handler does that stores a row. If one event of a hundred
fails, so many share one at the least cost."""


@dataclass(frozen=True)
class Share:
    """What one subscription gets of a batch, with its lookups fetched."""

    subscription: Subscription
    events: Sequence[ReceivedEvent]
    found: Found = field(default_factory=dict)
    gathered: Gathered = field(default_factory=Gathered)
    hears: str = ""
    """The types that its cursor moves for."""


def handle(shares: Sequence[Share], place: Place, old: At, new: At) -> None:
    """Run the handlers of subscriptions that stand together and move their cursors, or neither.

    An event that a handler fails on is parked as a delivery; the others are not affected.

    Raises: CursorMoved: another consumer was here first; everything is rolled back.
    """
    try:
        _together(shares, place, old, new)
    except CursorMoved:
        raise
    except Exception as error:
        logger.info("%s.%s after %s: a few at a time, because of %r", *place, old.position, error)
        _a_few_at_a_time(shares, place, old, new)


def _together(shares: Sequence[Share], place: Place, old: At, new: At) -> None:
    with transaction.atomic(using=shares[0].subscription.database):
        for share in shares:
            _deliver(share, _unblocked(share))
        _advance(shares, place, old, new)


def _a_few_at_a_time(shares: Sequence[Share], place: Place, old: At, new: At) -> None:
    for share in shares:
        share.gathered.notes.clear()  # what they tell of was rolled back
    with transaction.atomic(using=shares[0].subscription.database):
        for share in shares:
            for first in range(0, len(share.events), ROWS_PER_SAVEPOINT):
                some = share.events[first : first + ROWS_PER_SAVEPOINT]
                _attempt(replace(share, events=some))
        _advance(shares, place, old, new)


def _attempt(share: Share) -> None:
    """Run a few events in a savepoint; each in one of its own if that fails."""
    if len(share.events) > 1:
        with suppress(Exception), transaction.atomic(using=share.subscription.database):
            _deliver(share, _unblocked(share))
            return
    for event in share.events:
        attempt_one(replace(share, events=[event]))


def _deliver(share: Share, events: Sequence[ReceivedEvent]) -> None:
    if share.subscription.via == "rq":
        jobs.hand_over(share.subscription, share.events)
    elif events:
        with gathering(share.gathered):
            call(share.subscription, events, share.found)


def attempt_one(share: Share) -> None:
    """Run one event in a savepoint of the transaction that is open; park it if it fails."""
    subscription, event = share.subscription, share.events[0]
    if not _unblocked(share):
        return
    began_at = timezone.now()
    try:
        with transaction.atomic(using=subscription.database):
            _deliver(share, [event])
    except Exception as error:
        logger.warning("%s: %s %s parked: %r", subscription.name, event.type, event.key, error)
        tally.count("failed", f"{subscription.name} {event.type}")
        run = Run(began_at, Gathered(share.gathered.lookups))
        delivery.store(subscription, [event], Delivery.State.WAITING, error, run)


def _unblocked(share: Share) -> Sequence[ReceivedEvent]:
    """The events that may be handled now.

    Those behind an earlier one of their key are kept, and those that only another release hears.
    """
    subscription = share.subscription
    if subscription.via == "rq":
        return share.events
    unknown = [event for event in share.events if not subscription.hears(event)]
    if unknown:
        delivery.store(subscription, unknown, Delivery.State.WAITING)
    events = [event for event in share.events if subscription.hears(event)]
    if not subscription.ordered or not events:
        return events
    blocked = turn.blocked_keys(subscription, events)
    behind = [event for event in events if event.key in blocked]
    if behind:
        delivery.store(subscription, behind, Delivery.State.WAITING)
    return [event for event in events if event.key not in blocked]


def _advance(shares: Sequence[Share], place: Place, old: At, new: At) -> None:
    reach("consumer: handled")
    hears = {share.subscription.name: share.hears for share in shares}
    cursor.advance(hears, place, old, new, shares[0].subscription.database)
    reach("consumer: cursor moved")
