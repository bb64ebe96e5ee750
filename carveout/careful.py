"""Careful running: one event at a time, each in a transaction of its own.

After a consumer died in the middle of a batch, or where a handler takes its transaction away. Each
attempt is written down before the handler is called, so an event that kills its process is given
up after its last attempt instead of killing consumers for ever. What a handler failed with is
stored in another transaction than the handler's, on another connection if need be.
"""

import logging
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from carveout import blame, cursor, database, note, stop
from carveout.annotation import Gathered
from carveout.batch import Share, Stretch, deliver_one, park, tell_parked
from carveout.blame import Course
from carveout.cursor import At
from carveout.ending import Run
from carveout.errors import CursorMoved, LogMismatch
from carveout.stop import WorkerStopped
from carveout.uninterrupted import uninterrupted

logger = logging.getLogger(__name__)

CAREFUL_ROWS = 10
"""So few at a time that a consumer which is told to stop does so soon, and that those behind an
event which takes its transaction away run together again soon."""


def handle_carefully(share: Share, stretch: Stretch) -> At:
    """Bring one subscription over a stretch, or its first few events, an event at a time.

    Returns: where it is now.
    Raises: CursorMoved: another consumer was here first; what was handled until then stays.
            Error: the database is in trouble; the same.
    """
    at = stretch.old
    for handled, event in enumerate(share.events):
        if handled == CAREFUL_ROWS or (handled and stretch.time_is_up()):
            return at
        to = At(event.position, event.id)
        _handle_one(replace(share, events=[event]), replace(stretch, old=at, new=to))
        at = to
    if at.position < stretch.new.position:
        with transaction.atomic(using=share.subscription.database):
            _advance(share, replace(stretch, old=at))
    return stretch.new


@uninterrupted
def _handle_one(share: Share, step: Stretch) -> None:
    subscription, event = share.subscription, share.events[0]
    attempts = note.add(subscription, event)
    course, began_at = Course(subscription.database), timezone.now()
    if attempts > subscription.max_attempts:
        _give_up(share, step)
        return
    try:
        with transaction.atomic(using=subscription.database):
            _advance(share, step)
            note.remove(subscription, event)
            with course.of_handler():
                deliver_one(share)
    except (CursorMoved, LogMismatch):
        note.remove(subscription, event)
        raise
    except WorkerStopped:
        stop.interrupt_no_more()
        database.drop_unusable()
        note.take_back(subscription, event)
        raise
    except Exception as error:
        elsewhere = blame.is_elsewhere(error, course, subscription, event.id)
        database.drop_unusable()
        if elsewhere:
            note.take_back(subscription, event)
            raise
        _park(share, step, error, Run(began_at, Gathered(share.gathered.lookups)))


def _park(share: Share, step: Stretch, error: Exception, run: Run) -> None:
    """Nothing of the handler's transaction is left; the attempt is still written down."""
    with transaction.atomic(using=share.subscription.database):
        _advance(share, step)
        park(share, error, run)
    tell_parked(share, error)


def _give_up(share: Share, step: Stretch) -> None:
    subscription, event = share.subscription, share.events[0]
    with transaction.atomic(using=subscription.database):
        _advance(share, step)
        note.give_up(subscription, event)
    logger.error("%s: %s is dead: every attempt ended its process", subscription.name, event.key)


def _advance(share: Share, step: Stretch) -> None:
    hears, alias = {share.subscription.name: share.hears}, share.subscription.database
    cursor.advance(hears, step.place, step.old, step.new, alias)
