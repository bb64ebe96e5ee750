"""Stopping: a worker that is told to stop ends within ten seconds and keeps what it has done.

What is under way is finished if that is soon. After a grace period it is interrupted and rolled
back: a supervisor would kill the process a moment later anyway.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from carveout.uninterrupted import is_uninterrupted

logger = logging.getLogger(__name__)

GRACE_S = 7.0
"""How long what is under way may take after the process was told to stop."""
LAST_S = 9.5
"""After so long the process ends, whatever still runs in it. Databases roll back what is open."""
_AGAIN_S = 0.2
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class WorkerStopped(BaseException):
    """This process was told to stop, and what it runs took too long. Nobody is to blame.

    Not an `Exception`, so that few handlers catch it by mistake.
    """


class _Asked:
    """When this process was told to stop, on the monotonic clock; None: it was not.

    A plain field, not a `threading.Event`: a second signal during its `set` would deadlock.
    """

    at: float | None = None
    may_interrupt = False


def asked() -> bool:
    """Was this process told to stop?"""
    return _Asked.at is not None


@contextmanager
def heeding() -> Iterator[None]:
    """Inside the block SIGTERM and SIGINT ask this process to stop. Main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _on_signal) for number in _SIGNALS}
    try:
        with heard_at_once():
            yield
    finally:
        done()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def heard_at_once() -> Iterator[None]:
    """Inside the block a thread notes at once when the process is told to stop. Main thread only.

    Python calls a handler of a signal only when the main thread is back from the function in C that
    it is in, and that may wait for SQLite's lock for longer than the grace period.

    Source: https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    listener = threading.Thread(target=_listen, args=(heard,), name="signals", daemon=True)
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    listener.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        told.close()
        listener.join()  # what it still reads must not count for what this process does next


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside the block, and nowhere else, what takes too long after the signal is interrupted.

    Raises: WorkerStopped: the grace period is over.
    """
    _Asked.may_interrupt = True
    try:
        yield
    finally:
        interrupt_no_more()


def interrupt_no_more() -> None:
    """What was interrupted is being stored."""
    _Asked.may_interrupt = False


def done() -> None:
    """The process has stopped its work, or never was asked to."""
    _Asked.at, _Asked.may_interrupt = None, False


def begin() -> None:
    """Ask this process to stop. After the grace period it is signalled again and again."""
    if _Asked.at is None:
        _Asked.at = time.monotonic()
        threading.Thread(target=_insist, args=(_Asked.at,), name="stop", daemon=True).start()


def insist(frame: FrameType | None) -> None:
    """What a further signal does. Raises: WorkerStopped: see `interruptible`."""
    over = _Asked.at is not None and time.monotonic() - _Asked.at >= GRACE_S
    if over and _Asked.may_interrupt and not is_uninterrupted(frame):
        raise WorkerStopped("told to stop")


def _on_signal(_signal: int, frame: FrameType | None) -> None:
    begin()
    insist(frame)


def _listen(heard: socket.socket) -> None:
    with heard:
        while numbers := heard.recv(64):
            if any(number in _SIGNALS for number in numbers):
                begin()


def _insist(since: float) -> None:
    time.sleep(GRACE_S)
    while _Asked.at == since:
        if time.monotonic() - since > LAST_S:
            logger.critical("Told to stop %.1f s ago and still busy: the process ends now.", LAST_S)
            os._exit(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_AGAIN_S)
