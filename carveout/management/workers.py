"""Runs a worker's loop until it is asked to stop, and survives failures of Redis and databases."""

import gc
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from django.db import Error

from carveout.contracts import deployed
from carveout.errors import CarveoutError
from carveout.runtime import databases, stopping
from carveout.runtime.stopping import WorkerStopped
from carveout.telemetry.liveness import liveness

logger = logging.getLogger(__name__)

BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class Worker(Protocol):
    """What the loop runs: the relay or a consumer."""

    @property
    def contexts(self) -> Sequence[str]:
        """The contexts that it works for. Their contracts are published to Redis while it runs."""

    @property
    def caught_up(self) -> bool:
        """Whether the last round left nothing that was there when it looked.

        What came since ends the next `wait` at once.
        """

    def start(self) -> None:
        """Called once, before the endless loop."""

    def run_once(self) -> int:
        """Do some work. Returns: how much was done, or 0."""

    def wait(self) -> None:
        """Returns when there may be work again."""

    def close(self) -> None:
        """Releases what other processes wait for."""


def drain(worker: Worker) -> int:
    """Works until nothing is left, or until asked to stop. Returns: how much was done."""
    total = 0
    deployed.announce(worker.contexts)
    with stopping.heeding():
        try:
            with suppress(WorkerStopped), stopping.interruptible():
                while not stopping.asked() and (done := worker.run_once()):
                    total += done
        finally:
            worker.close()
    return total


def run_forever(
    worker: Worker, started: Callable[[], object], also: Callable[[], object] = lambda: None
) -> None:
    """Works until SIGTERM or SIGINT; finishes the work in progress first, if that is soon.

    `started` is called once, as soon as signals are handled; `also` in each round.
    """
    with stopping.heeding():
        worker.start()
        freeze()
        started()
        with suppress(WorkerStopped), stopping.interruptible():
            _turn(worker, also)
        databases.drop_unusable()
        worker.close()


def _turn(worker: Worker, also: Callable[[], object]) -> None:
    failures = 0
    while not stopping.asked():
        deployed.announce(worker.contexts)
        try:
            done = worker.run_once()
            also()
            if (not done or worker.caught_up) and not stopping.asked():
                worker.wait()
            failures = 0
            liveness.beat()
        except Exception as error:
            if isinstance(error, CarveoutError) and not error.retryable:
                raise
            _report(error, failures)
            liveness.beat(well=False)
            time.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1
            databases.drop_all() if isinstance(error, Error) else databases.drop_unusable()


def freeze() -> None:
    """Makes the garbage collector skip what is loaded now: it is large and is never freed.

    Source: https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.collect()
    gc.freeze()


def _report(error: Exception, failures: int) -> None:
    """Log the first failure and every 30th after it."""
    if failures % 30:
        return
    if databases.table_is_missing(error):
        logger.error("%s Run `manage.py migrate`. Trying again.", error)
    elif isinstance(error, CarveoutError | Error):
        logger.warning("%s Trying again.", error)
    else:
        logger.exception("Unexpected. Trying again.")
