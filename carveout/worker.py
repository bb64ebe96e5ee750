"""A worker process: runs until it is told to stop, and outlives what it depends on."""

import gc
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from django.db import Error

from carveout import database, stop
from carveout.errors import CarveoutError
from carveout.pulse import pulse
from carveout.stop import WorkerStopped

logger = logging.getLogger(__name__)

BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class Worker(Protocol):
    """Something with work to do."""

    def start(self) -> None:
        """Called once, before work that goes on and on."""

    def run_once(self) -> int:
        """Do some work. Returns: how much was done; 0 when there is none."""

    def wait(self) -> None:
        """Return when there may be work again."""

    def close(self) -> None:
        """Let go of what others wait for."""


def drain(worker: Worker) -> int:
    """Work until nothing is left, or until told to stop. Returns: how much was done."""
    total = 0
    with stop.heeding():
        try:
            with suppress(WorkerStopped), stop.interruptible():
                while not stop.asked() and (done := worker.run_once()):
                    total += done
        finally:
            worker.close()
    return total


def run_forever(worker: Worker, started: Callable[[], object]) -> None:
    """Work until SIGTERM or SIGINT; what is under way is finished first, if that is soon.

    `started` is called once, as soon as signals are heeded.
    """
    with stop.heeding():
        worker.start()
        freeze()
        started()
        with suppress(WorkerStopped), stop.interruptible():
            _turn(worker)
        database.drop_unusable()
        worker.close()


def _turn(worker: Worker) -> None:
    failures = 0
    while not stop.asked():
        try:
            if not worker.run_once() and not stop.asked():
                worker.wait()
            failures = 0
            pulse.turned()
        except Exception as error:
            if isinstance(error, CarveoutError) and not error.retryable:
                raise
            _report(error, failures)
            pulse.turned(well=False)
            time.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1
            database.drop_all() if isinstance(error, Error) else database.drop_unusable()


def freeze() -> None:
    """Let the garbage collector pass over what is loaded: it stays, and there is a lot of it.

    Source: https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.collect()
    gc.freeze()


def _report(error: Exception, failures: int) -> None:
    """Log the first failure and every 30th after it."""
    if failures % 30:
        return
    if database.table_is_missing(error):
        logger.error("%s Run `manage.py migrate`. Trying again.", error)
    elif isinstance(error, CarveoutError | Error):
        logger.warning("%s Trying again.", error)
    else:
        logger.exception("Unexpected. Trying again.")
