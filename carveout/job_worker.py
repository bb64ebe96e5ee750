"""The worker of our queues: RQ's, but it outlives a Redis that goes away."""

import logging
import time
from contextlib import suppress
from types import FrameType
from typing import Any
from uuid import uuid4

from rq.exceptions import StopRequested
from rq.timeouts import UnixSignalDeathPenalty
from rq.worker import SimpleWorker

from carveout.connection import REDIS_ERRORS
from carveout.jobs import GUARDED, worker_name
from carveout.limit import put_off
from carveout.pulse import pulse
from carveout.refusal import unavailable

logger = logging.getLogger(__name__)

RETRY_S = 1.0


class TimeLimit(UnixSignalDeathPenalty):
    """RQ's time limit of a job, but never while a transaction begins or ends."""

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        if not put_off(frame):
            super().handle_death_penalty(signum, frame)  # type: ignore[no-untyped-call]


def _new_name(old: str) -> str:
    """As guarded as the old one."""
    return worker_name() if old.startswith(GUARDED) else uuid4().hex


class JobWorker(SimpleWorker):
    """Runs jobs in its own process, five times as fast as one that forks for each.

    RQ's worker ends when Redis goes away while a job runs. This one goes on under a new name; the
    jobs that Redis lost are made again by the sweeper.
    """

    death_penalty_class = TimeLimit
    _told_to_stop = False

    def work(self, burst: bool = False, *args: Any, **options: Any) -> bool:
        """Run jobs until told to stop; with `burst`, until none is left."""
        worked = False
        with suppress(StopRequested):
            while True:
                try:
                    worked |= super().work(burst, *args, **options)
                except REDIS_ERRORS as error:
                    if self.pubsub_thread:  # RQ leaves it running
                        self.pubsub_thread.stop()
                    logger.warning("%s Trying again.", unavailable(error))
                    pulse.turned(well=False)
                if burst or self._told_to_stop:
                    break
                time.sleep(RETRY_S)
                self.name = _new_name(self.name)  # the old one may still be registered
        return worked

    def heartbeat(self, *args: Any, **options: Any) -> None:
        super().heartbeat(*args, **options)
        pulse.turned()

    def request_stop(self, signum: Any, frame: Any) -> None:
        self._told_to_stop = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]
