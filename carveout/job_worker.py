"""The worker of our queues: RQ's, but it outlives a Redis that goes away."""

import logging
import signal
import time
from contextlib import suppress
from types import FrameType
from typing import Any
from uuid import uuid4

from rq.exceptions import StopRequested
from rq.timeouts import UnixSignalDeathPenalty
from rq.worker import SimpleWorker

from carveout import stop
from carveout.connection import REDIS_ERRORS
from carveout.jobs import GUARDED, worker_name
from carveout.limit import AGAIN_S, Interrupted, put_off
from carveout.pulse import pulse
from carveout.refusal import unavailable
from carveout.stop import WorkerStopped

logger = logging.getLogger(__name__)

RETRY_S = 1.0


class TimeLimit(UnixSignalDeathPenalty):
    """RQ's time limit of a job, but it interrupts the handler and nothing else of an attempt.

    A handler that catches it is interrupted again and again.
    """

    _struck = False

    def setup_death_penalty(self) -> None:
        super().setup_death_penalty()  # type: ignore[no-untyped-call]
        signal.setitimer(signal.ITIMER_REAL, self._timeout, AGAIN_S)

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        if put_off(frame):
            return
        if self._struck:
            raise Interrupted
        self._struck = True
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
        try:
            with stop.heard_at_once():
                return self._work(burst, *args, **options)
        finally:
            stop.done()

    def _work(self, burst: bool, *args: Any, **options: Any) -> bool:
        worked = False
        with suppress(StopRequested, WorkerStopped):
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
        stop.begin()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """A second signal ends no job that may still end in time."""
        stop.insist(frame)
