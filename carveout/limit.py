"""Time limits: a handler that hangs is interrupted, and its event parked."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from carveout.errors import HandlerTimedOut


@contextmanager
def time_limit(seconds: float, what: str) -> Iterator[None]:
    """Interrupt the block after so many seconds. Only a process's main thread can be interrupted.

    Raises: HandlerTimedOut: the block took longer.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise HandlerTimedOut(f"{what} took longer than its limit of {seconds} s.")

    previous = signal.signal(signal.SIGALRM, interrupt)
    outer_s, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    started_at = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if outer_s:  # an RQ job has a limit of its own, which goes on
            left_s = outer_s - (time.monotonic() - started_at)
            signal.setitimer(signal.ITIMER_REAL, max(left_s, 0.001))
