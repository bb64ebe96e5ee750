"""One attempt at one delivery: claimed and counted first, then run, then removed."""

import logging
from contextlib import nullcontext

from django.db import transaction
from django.utils import timezone

from carveout import delivery, jobs, spans, tally, turn
from carveout.annotation import Gathered, gathering
from carveout.ending import Run
from carveout.errors import CursorMoved, LookupFailed
from carveout.failpoint import reach
from carveout.handling import call, prefetch
from carveout.limit import drop_if_unusable
from carveout.models import Delivery
from carveout.subscription import Subscription, registry

logger = logging.getLogger(__name__)


def attempt(delivery_id: int, database: str) -> None:
    """Try a delivery once. One that is done, dead, running or not yet its turn is left alone.

    A handler's error puts it back for its next attempt, or makes it dead after the last one. So
    does the death of its process: the attempt after the last one is not made.
    """
    ordered = [name for name, known in registry.items() if known.ordered]
    claimed = delivery.claim(delivery_id, database, ordered)
    if claimed is None:
        return
    subscription = registry.get(claimed.subscription)
    if subscription is None:
        logger.error("delivery %s: no subscription %s here", claimed.pk, claimed.subscription)
        return
    if not subscription.hears(delivery.event_of(claimed)):
        logger.info("%s is left to a release that hears its type", claimed)
        delivery.leave(claimed, database)
        return
    if claimed.attempts > subscription.max_attempts:
        logger.error("%s given up: it kills its process", claimed)
        delivery.give_up(claimed, subscription)
        return
    run = Run(timezone.now(), Gathered())
    try:
        _run(claimed, subscription, run)
    except CursorMoved as moved:
        logger.warning("%s", moved)
        return
    except Exception as error:
        # A context that can't be looked up is not the event's fault and burns no attempt.
        blameless = isinstance(error, LookupFailed)
        drop_if_unusable(database)
        delivery.failed(claimed, subscription, error, run, counts=not blameless)
        _count("failed", claimed)
        logger.warning("%s attempt %d: %r", claimed, claimed.attempts, error)
        return
    _count("done", claimed)
    _wake_next(claimed, subscription)


def _count(kind: str, claimed: Delivery) -> None:
    tally.count(kind, f"{claimed.subscription} {delivery.event_of(claimed).type}")


def _run(claimed: Delivery, subscription: Subscription, run: Run) -> None:
    reach("attempt: claimed")
    event, database = delivery.event_of(claimed), subscription.database
    with (
        spans.handling(subscription.name, [event.traceparent]),
        gathering(run.gathered, undone=subscription.atomic),
    ):
        found = prefetch(subscription, [event])
        with transaction.atomic(using=database) if subscription.atomic else nullcontext():
            call(subscription, [event], found)
            reach("attempt: handled")
            with transaction.atomic(using=database, savepoint=False):
                delivery.done(claimed, database, run)
            reach("attempt: removed")
    reach("attempt: committed")


def _wake_next(claimed: Delivery, subscription: Subscription) -> None:
    """Let the event go that waited behind this one."""
    if not subscription.ordered:
        return
    behind = turn.next_of_key(claimed, subscription.database)
    if behind is not None and subscription.via == "rq":
        jobs.enqueue(subscription.context, [behind])
