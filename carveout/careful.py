"""Careful running: after a consumer died in the middle of a batch, one event at a time.

Each attempt is written down before the handler is called, so an event that kills its process is
given up after its last attempt instead of killing consumers for ever.
"""

import logging
from dataclasses import replace

from django.db import transaction

from carveout import cursor, note
from carveout.batch import Share, attempt_one
from carveout.cursor import At
from carveout.errors import CursorMoved, LogMismatch
from carveout.event import Place
from carveout.subscription import Subscription

logger = logging.getLogger(__name__)


def handle_carefully(share: Share, place: Place, old: At, new: At) -> None:
    """Bring one subscription from one position to another, an event at a time.

    Raises: CursorMoved: another consumer was here first; what was handled until then stays.
    """
    at = old
    for event in share.events:
        _handle_one(replace(share, events=[event]), place, at)
        at = At(event.position, event.id)
    if at.position < new.position:
        with transaction.atomic(using=share.subscription.database):
            _advance(share.subscription, place, at, new)


def _handle_one(share: Share, place: Place, old: At) -> None:
    subscription, event = share.subscription, share.events[0]
    attempts = note.add(subscription, event)
    try:
        with transaction.atomic(using=subscription.database):
            _advance(subscription, place, old, At(event.position, event.id))
            _attempt_or_give_up(share, attempts)
    except (CursorMoved, LogMismatch):
        note.remove(subscription, event)
        raise


def _attempt_or_give_up(share: Share, attempts: int) -> None:
    subscription, event = share.subscription, share.events[0]
    if attempts > subscription.max_attempts:
        logger.error("%s: %s given up: it kills its process", subscription.name, event.key)
        note.give_up(subscription, event)
    else:
        note.remove(subscription, event)
        attempt_one(share)


def _advance(subscription: Subscription, place: Place, old: At, new: At) -> None:
    cursor.advance([subscription.name], place, old, new, subscription.database)
