"""Limits the time of a handler: one that hangs is interrupted, and its event is parked."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from carveout.errors import HandlerTimedOut
from carveout.runtime.uninterruptible import is_uninterrupted

LATER_S = 0.1
"""Not more often: each alarm cuts a wait for SQLite's lock short."""
AGAIN_S = 0.5
"""How often a handler that caught its interruption and continues is interrupted again."""


class Interrupted(BaseException):
    """A second interruption, after the handler caught the first one with `except Exception`."""


@contextmanager
def time_limit(seconds: float, what: str) -> Iterator[Callable[[], object]]:
    """Interrupt the block after this many seconds. Works only in a process's main thread.

    A block that catches the interruption is interrupted again, and counts as interrupted even if
    it then ends normally. An outer limit that ends sooner, such as an RQ job's, stays in force.

    Yields: a function that restarts the timer.
    Raises: HandlerTimedOut: the block took longer.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or not hasattr(signal, "getitimer")  # Windows; no worker runs there
    ):
        yield _stays
        return
    outer_s, outer_again_s = signal.getitimer(signal.ITIMER_REAL)
    if 0 < outer_s < seconds:
        with _within_outer(outer_s, what):
            yield _stays
        return
    ours = _Limit(seconds, f"{what} took longer than its limit of {seconds} s.")
    previous = signal.signal(signal.SIGALRM, ours.strike)
    started_at = time.monotonic()
    try:
        ours.restart()
        yield ours.restart
        ours.check()
    except (Exception, Interrupted) as error:
        if ours.struck and not isinstance(error, HandlerTimedOut):
            raise HandlerTimedOut(ours.text) from error
        raise
    finally:
        ours.over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if outer_s:
            left_s = outer_s - (time.monotonic() - started_at)
            signal.setitimer(signal.ITIMER_REAL, max(left_s, 0.001), outer_again_s)


def outer_is_running() -> bool:
    """Whether the current job has a time limit that can still interrupt it."""
    return bool(signal.getitimer(signal.ITIMER_REAL)[0])


def restart_outer(seconds: float) -> None:
    """Restart the time limit of the current job, if there is one."""
    if outer_is_running():
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)


class _Limit:
    """One time limit while it is in force."""

    def __init__(self, seconds: float, text: str) -> None:
        self.text = text
        self.struck = self.over = False
        self._seconds = seconds

    def restart(self) -> None:
        self.check()
        signal.setitimer(signal.ITIMER_REAL, self._seconds, AGAIN_S)

    def check(self) -> None:
        """Raises: HandlerTimedOut: the limit was reached, and the block caught it."""
        if self.struck:
            raise HandlerTimedOut(self.text)

    def strike(self, _signal: int, frame: FrameType | None) -> None:
        if self.over or postpone_if_uninterrupted(frame):
            return
        again, self.struck = self.struck, True
        raise Interrupted(self.text) if again else HandlerTimedOut(self.text)


@contextmanager
def _within_outer(outer_s: float, what: str) -> Iterator[None]:
    """Apply the outer limit to everything inside, also if its error is caught."""
    text, started_at = f"{what} took longer than its job's {outer_s:.1f} s.", time.monotonic()
    try:
        yield
    except Interrupted as error:
        raise HandlerTimedOut(text) from error
    if time.monotonic() - started_at > outer_s:
        raise HandlerTimedOut(text)


def _stays() -> None:
    """Do nothing: there is no timer to restart."""


def postpone_if_uninterrupted(frame: FrameType | None) -> bool:
    """Postpone the alarm for a moment if the current code must not be interrupted.

    Returns: whether it was postponed.
    """
    if is_uninterrupted(frame):
        signal.setitimer(signal.ITIMER_REAL, LATER_S, AGAIN_S)
        return True
    return False
