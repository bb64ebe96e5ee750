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
from carveout.errors import CursorMoved
from carveout.event import Place

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
            _advance(share, place, at, new)


def _handle_one(share: Share, place: Place, old: At) -> None:
    subscription, event = share.subscription, share.events[0]
    attempts = note.add(subscription, event)
    try:
        with transaction.atomic(using=subscription.database):
            _advance(share, place, old, At(event.position, event.id))
            _attempt_or_give_up(share, attempts)
    except CursorMoved:
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


def _advance(share: Share, place: Place, old: At, new: At) -> None:
    subscription = share.subscription
    cursor.advance({subscription.name: share.hears}, place, old, new, subscription.database)
