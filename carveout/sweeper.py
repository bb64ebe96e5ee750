"""The sweeper: gives jobs to deliveries whose time has come, and again where Redis lost a job."""

import time
from collections.abc import Sequence

from carveout import delivery, jobs, turn
from carveout.conf import get_settings
from carveout.subscription import Subscription
from carveout.turn import Handed

REST_TIMES = 20
"""After it has looked for lost jobs it rests for so many times as long. With some ten thousand jobs
that no worker takes, to look takes some tenths of a second."""


class Sweeper:
    """Looks after the jobs of one context."""

    def __init__(self, context: str, subscriptions: Sequence[Subscription]) -> None:
        self._context = context
        self._subscriptions = [each for each in subscriptions if each.via == "rq"]
        self._database = get_settings().database_of(context)
        self._rests_until = 0.0

    def run_once(self) -> int:
        """Returns: how many jobs were made.

        Raises: redis.RedisError, OSError: Redis did not answer; nothing is lost, call again.
        """
        if not self._subscriptions:
            return 0
        made = self._those_that_waited()
        began = time.monotonic()
        if began >= self._rests_until:
            made += self._those_that_were_lost()
            ended = time.monotonic()
            self._rests_until = ended + REST_TIMES * (ended - began)
        return made

    def _those_that_waited(self) -> int:
        due = turn.due(self._subscriptions, self._database, get_settings().batch_rows)
        rows = [(row.pk, row.claimed_until) for row in due]
        lost = self._without_job(rows)
        delivery.queue([pk for pk, _ in rows], self._database)
        jobs.enqueue(self._context, lost)
        return len(lost)

    def _those_that_were_lost(self) -> int:
        lost = self._without_job(turn.handed_over(self._subscriptions, self._database))
        delivery.queue(lost, self._database)
        jobs.enqueue(self._context, lost)
        return len(lost)

    def _without_job(self, rows: Sequence[Handed]) -> list[int]:
        """A run whose claim has run out left its job behind: its worker was killed."""
        killed = [pk for pk, claimed_until in rows if claimed_until is not None]
        others = [pk for pk, claimed_until in rows if claimed_until is None]
        return killed + jobs.without_job(self._context, others)
