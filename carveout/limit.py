"""Time limits: a handler that hangs is interrupted, and its event parked."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType

from django.db import connections
from django.db.transaction import Atomic

from carveout.errors import HandlerTimedOut

LATER_S = 0.01
_UNINTERRUPTED = {Atomic.__enter__.__code__, Atomic.__exit__.__code__}


@contextmanager
def time_limit(seconds: float, what: str) -> Iterator[Callable[[], object]]:
    """Interrupt the block after so many seconds. Only a process's main thread can be interrupted.

    An outer limit that ends sooner, such as an RQ job's, goes on by itself.

    Gives: a function that lets the time begin anew.
    Raises: HandlerTimedOut: the block took longer.
    """
    if not hasattr(signal, "getitimer"):  # Windows; no worker runs there
        yield _go_on
        return
    outer_s, _ = signal.getitimer(signal.ITIMER_REAL)
    if threading.current_thread() is not threading.main_thread() or 0 < outer_s < seconds:
        yield _go_on
        return

    def interrupt(_signal: int, frame: FrameType | None) -> None:
        if put_off(frame):
            return
        raise HandlerTimedOut(f"{what} took longer than its limit of {seconds} s.")

    previous = signal.signal(signal.SIGALRM, interrupt)
    restart = partial(signal.setitimer, signal.ITIMER_REAL, seconds)
    started_at = time.monotonic()
    try:
        restart()
        yield restart
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if outer_s:
            left_s = outer_s - (time.monotonic() - started_at)
            signal.setitimer(signal.ITIMER_REAL, max(left_s, 0.001))


def _go_on() -> None:
    """The outer limit counts for all that is inside."""


def put_off(frame: FrameType | None) -> bool:
    """Put the alarm off for a moment if what runs now must not be interrupted.

    Django begins and ends transactions in several steps. An exception between two of them leaves a
    connection that holds its locks for ever, or that never commits again.

    Returns: was it put off?
    """
    while frame is not None:
        if frame.f_code in _UNINTERRUPTED:
            signal.setitimer(signal.ITIMER_REAL, LATER_S)
            return True
        frame = frame.f_back
    return False


def drop_if_unusable(database: str) -> None:
    """Close a connection that an interruption left half open or busy; the next one is new."""
    connection = connections[database]
    if connection.connection is None or connection.in_atomic_block:
        return
    if connection.autocommit != connection.settings_dict["AUTOCOMMIT"] or not (
        connection.is_usable()
    ):
        connection.close()
