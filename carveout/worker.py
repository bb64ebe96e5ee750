"""A worker process: runs until it is told to stop, and outlives what it depends on."""

import gc
import logging
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Protocol

from django.db import InterfaceError, OperationalError, close_old_connections

from carveout.errors import CarveoutError
from carveout.pulse import pulse

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
    """Work until nothing is left. Returns: how much was done."""
    total = 0
    try:
        while done := worker.run_once():
            total += done
    finally:
        worker.close()
    return total


def run_forever(worker: Worker, started: Callable[[], object]) -> None:
    """Work until SIGTERM or SIGINT; what is under way is finished first.

    `started` is called once, as soon as signals are heeded.
    """
    stop = _Stop()
    failures = 0
    worker.start()
    freeze()
    started()
    while not stop.asked_for:
        try:
            if not worker.run_once() and not stop.asked_for:
                worker.wait()
            failures = 0
            pulse.turned()
        except (CarveoutError, OperationalError, InterfaceError) as error:
            if isinstance(error, CarveoutError) and not error.retryable:
                raise
            _report(error, failures)
            pulse.turned(well=False)
            time.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1
            close_old_connections()
    worker.close()


def freeze() -> None:
    """Let the garbage collector pass over what is loaded: it stays, and there is a lot of it.

    Source: https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.collect()
    gc.freeze()


def _report(error: Exception, failures: int) -> None:
    """Say it when it begins, and then now and then."""
    if failures % 30 == 0:
        logger.warning("%s Trying again.", error)


class _Stop:
    """Whether a signal asked us to stop.

    A flag, and no `threading.Event`: a second signal that interrupts its `set` waits for ever.
    """

    def __init__(self) -> None:
        self.asked_for = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked_for = True
