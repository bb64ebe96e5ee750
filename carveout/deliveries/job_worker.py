"""The worker of Carveout's queues: RQ's worker, but it survives an outage of Redis."""

import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any
from uuid import uuid4

from rq.exceptions import StopRequested
from rq.timeouts import UnixSignalDeathPenalty
from rq.worker import SimpleWorker, WorkerStatus

from carveout.conf.hosting import context_of_queue
from carveout.deliveries.job import DeliveryJob
from carveout.deliveries.job_queue import GUARDED, worker_name
from carveout.redis.client import REDIS_ERRORS
from carveout.redis.refusals import unavailable
from carveout.runtime import stopping
from carveout.runtime.stopping import WorkerStopped
from carveout.subscriptions.time_limit import AGAIN_S, Interrupted, postpone_if_uninterrupted
from carveout.telemetry.liveness import liveness

logger = logging.getLogger(__name__)

RETRY_S = 1.0


class TimeLimit(UnixSignalDeathPenalty):
    """RQ's time limit of a job, but it interrupts only the handler, not the rest of an attempt.

    A handler that catches it is interrupted repeatedly.
    """

    _struck = False

    def setup_death_penalty(self) -> None:
        super().setup_death_penalty()  # type: ignore[no-untyped-call]
        signal.setitimer(signal.ITIMER_REAL, self._timeout, AGAIN_S)

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        if postpone_if_uninterrupted(frame):
            return
        if self._struck:
            raise Interrupted
        self._struck = True
        super().handle_death_penalty(signum, frame)  # type: ignore[no-untyped-call]


def _new_name(old: str) -> str:
    """A new name with the same prefix as the old one."""
    return worker_name() if old.startswith(GUARDED) else uuid4().hex


class _WithoutVerdict(logging.Filter):
    """Drops "Job OK": a job ends well whatever became of the deliveries that it ran."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Job OK" not in record.getMessage()


WITHOUT_VERDICT = _WithoutVerdict()


class JobWorker(SimpleWorker):
    """Runs jobs in its own process, five times as fast as a worker that forks for each job.

    RQ's worker ends when Redis goes away while a job runs. This one continues under a new name; the
    sweeper recreates the jobs that Redis lost.
    """

    death_penalty_class = TimeLimit
    max_connection_wait_time = RETRY_S
    _asked_to_stop = False
    _at_work = False
    each_turn: Callable[[], object] | None = None
    """Called periodically while the worker runs."""

    def work(self, burst: bool = False, *args: Any, **options: Any) -> bool:
        """Run jobs until asked to stop; with `burst`, until none is left."""
        self.log.addFilter(WITHOUT_VERDICT)
        DeliveryJob.contexts = None if burst else [*map(context_of_queue, self.queue_names())]
        try:
            with stopping.heard_at_once():
                return self._work(burst, *args, **options)
        finally:
            stopping.done()
            self.connection.connection_pool.disconnect(inuse_connections=False)

    def _work(self, burst: bool, *args: Any, **options: Any) -> bool:
        worked = False
        with suppress(StopRequested, WorkerStopped), self._raising_if_idle():
            while True:
                try:
                    worked |= super().work(burst, *args, **options)
                except REDIS_ERRORS as error:
                    if self.pubsub_thread:  # RQ leaves it running
                        self.pubsub_thread.stop()
                    logger.warning("%s Trying again.", unavailable(error))
                    liveness.beat(well=False)
                if burst or self._asked_to_stop:
                    break
                time.sleep(RETRY_S)
                self.name = _new_name(self.name)  # the old one may still be registered
        return worked

    @contextmanager
    def _raising_if_idle(self) -> Iterator[None]:
        """Signals may come until the worker has ended, and nothing after its work expects them."""
        self._at_work = True
        try:
            yield
        finally:
            self._at_work = False

    def heartbeat(self, *args: Any, **options: Any) -> None:
        self._stop_if_idle()
        super().heartbeat(*args, **options)
        if JobWorker.each_turn:
            JobWorker.each_turn()
        liveness.beat()

    def request_stop(self, signum: Any, frame: Any) -> None:
        self._asked_to_stop = True
        stopping.begin()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """Let a job that may still end in time finish, despite a second signal."""
        stopping.insist(frame)
        self._stop_if_idle()

    def _stop_if_idle(self) -> None:
        """RQ raises this in its first signal's handler, where `logging` may swallow it."""
        if self._at_work and self._asked_to_stop and self.get_state() == WorkerStatus.IDLE:
            raise StopRequested
