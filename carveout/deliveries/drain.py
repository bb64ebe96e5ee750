"""Runs the queued deliveries of a context in one job, and waits a moment for more."""

import logging
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from functools import partial

from carveout.conf import get_settings
from carveout.deliveries import job_queue, runnable, store
from carveout.deliveries.attempt import attempt
from carveout.deliveries.job_queue import Wakeups
from carveout.models import Delivery
from carveout.redis.client import REDIS_ERRORS
from carveout.runtime import databases, stopping
from carveout.runtime.uninterruptible import uninterrupted
from carveout.subscriptions.subscription import Subscription, hosted, registry
from carveout.subscriptions.time_limit import outer_is_running, restart_outer
from carveout.telemetry import instrumentation

logger = logging.getLogger(__name__)

ROWS = 100
MANY = 10
"""If more than this many are queued, another worker may help."""
DRAIN_S = 20.0
"""A job takes no more deliveries after this time, so that RQ does not take its worker for dead."""
IDLE_S, WAIT_S = 2.0, 1.0
"""How long a job waits for further deliveries, and for each of them at a time. A job costs about 65
Redis commands."""


@uninterrupted
def drain(context: str, others: Collection[str] | None = None) -> None:
    """Run a context's queued deliveries, each as an attempt of its own, with its own time limit.

    others: wait for further deliveries unless jobs of these contexts wait; None: do not wait.

    Raises: Error: the database does not answer. redis.RedisError, OSError: Redis does not.
        In both cases nothing is lost: the sweeper has the rest run.
    """
    subscriptions, wakeups = hosted([context]), Wakeups(context)
    tried: Counter[bool] = Counter()
    try:
        _report_undeclared(context, subscriptions)
        wakeups.listen(DRAIN_S + get_settings().job_timeout_s)
        drained = _drain(context, subscriptions, others, wakeups, tried)
    except BaseException:
        databases.drop_unusable()
        with suppress(*REDIS_ERRORS):
            wakeups.stop()
        raise
    finally:
        if tried:
            logger.info("%s: %d deliveries done, %d not", context, tried[True], tried[False])
    if wakeups.stop() or not drained:
        job_queue.wake(context)


def _drain(
    context: str,
    subscriptions: Collection[Subscription],
    others: Collection[str] | None,
    wakeups: Wakeups,
    tried: Counter[bool],
) -> bool:
    """Returns: whether nothing is left that was queued before it ended.

    tried: counts how many attempts succeeded, and how many did not.
    """
    database = get_settings().database_of(context)
    by_jobs = [each for each in subscriptions if each.via == "rq"]
    ends_at, limited = time.monotonic() + DRAIN_S, outer_is_running()
    more = False
    while True:
        rows = runnable.queued(subscriptions, database, ROWS)
        # Those whose time was over may run only now that an earlier one of their key is done.
        if more and not rows and store.queue_due(by_jobs, database):
            continue
        if len(rows) > MANY:
            job_queue.wake(context, another=True)
        for row in rows:
            tried[_attempt(row)] += 1
            # RQ's own time limit interrupts once; a further delivery would have none.
            unlimited = limited and not outer_is_running()
            if stopping.asked() or unlimited or time.monotonic() > ends_at:
                return False
        more = len(rows) == ROWS or any(row.has_others for row in rows)  # type: ignore[attr-defined] # annotated
        if not more and not _more_came(others, wakeups, ends_at):
            return True


def _attempt(row: Delivery) -> bool:
    subscription = registry[row.subscription]
    with stopping.interruptible():
        return attempt(row, subscription, partial(restart_outer, get_settings().job_timeout_s))


def _more_came(others: Collection[str] | None, wakeups: Wakeups, ends_at: float) -> bool:
    """Wait for further deliveries, unless this process has something else to do."""
    if others is None:
        return False
    idle_until = min(time.monotonic() + IDLE_S, ends_at)
    while not stopping.asked() and not job_queue.any_queued(others):
        left_s = idle_until - time.monotonic()
        if left_s <= 0:
            break
        restart_outer(get_settings().job_timeout_s)
        if wakeups.wait(min(left_s, WAIT_S)):
            return True
    return False


def _report_undeclared(context: str, subscriptions: Collection[Subscription]) -> None:
    """Deliveries of subscriptions that another release declares are left to it."""
    declared = [each.name for each in subscriptions]
    for name in runnable.undeclared(context, declared, get_settings().database_of(context)):
        instrumentation.left_to_others(name)
        logger.warning("deliveries of %s are left to others: it is not declared here", name)
