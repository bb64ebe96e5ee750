"""Has deliveries run whose job got lost, and those that have waited for their retry."""

import time
from collections.abc import Sequence

from carveout.conf import get_settings
from carveout.deliveries import job_queue, runnable, store
from carveout.subscriptions.subscription import Subscription

WAIT_TIMES = 20
"""After a search for overdue deliveries, the sweeper waits this many times as long as the search
took."""


class Sweeper:
    """Wakes or creates the jobs of one context that are missing."""

    def __init__(self, context: str, subscriptions: Sequence[Subscription]) -> None:
        self._context = context
        self._subscriptions = [each for each in subscriptions if each.via == "rq"]
        self._database = get_settings().database_of(context)
        self._waits_until = 0.0

    def run_once(self) -> int:
        """Returns: how many deliveries are handed to jobs now."""
        if not self._subscriptions:
            return 0
        if queued := store.queue_due(self._subscriptions, self._database):
            job_queue.wake(self._context)
        if self._any_lost():
            job_queue.wake(self._context, another=True)
        return queued

    def _any_lost(self) -> bool:
        """A job that runs may be busy for long, and one whose worker was killed seems to run."""
        began = time.monotonic()
        if began < self._waits_until:
            return False
        found = runnable.any_overdue_in_queue(self._subscriptions, self._database)
        ended = time.monotonic()
        self._waits_until = ended + WAIT_TIMES * (ended - began)
        return found
