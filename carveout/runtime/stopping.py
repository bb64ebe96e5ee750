"""Stops a worker within ten seconds of a signal; finished work is kept.

Current work may finish within a grace period. After that it is interrupted and rolled back: a
supervisor would kill the process a moment later anyway.
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

from carveout.runtime.uninterruptible import is_uninterrupted

logger = logging.getLogger(__name__)

GRACE_S = 7.0
"""How long current work may take after the request to stop."""
LAST_S = 9.5
"""After this time the process ends, even if busy. Databases roll back open transactions."""
_AGAIN_S = 0.2
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class WorkerStopped(BaseException):
    """This process was asked to stop, and its work took too long. The handler is not at fault.

    Not an `Exception`, so that few handlers catch it by mistake.
    """


class _Asked:
    """When this process was asked to stop, on the monotonic clock; None: it was not.

    A plain field, not a `threading.Event`: a second signal during its `set` would deadlock.
    """

    at: float | None = None
    may_interrupt = False


def asked() -> bool:
    """Whether this process was asked to stop."""
    return _Asked.at is not None


@contextmanager
def heeding() -> Iterator[None]:
    """Let SIGTERM and SIGINT ask this process to stop inside the block. Main thread only."""
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
    """Notice a stop signal at once, with a thread, inside the block. Main thread only.

    Python calls a signal handler only when the main thread returns from its current C function,
    which may wait for SQLite's lock for longer than the grace period.

    Source: https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    listener = threading.Thread(target=_listen, args=(receiver,), name="signals", daemon=True)
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    listener.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        sender.close()
        listener.join()  # signals that it still reads must not affect later work of this process


@contextmanager
def interruptible() -> Iterator[None]:
    """Interrupt the block, and nothing else, if it takes too long after the signal.

    Raises: WorkerStopped: the grace period is over.
    """
    _Asked.may_interrupt = True
    try:
        yield
    finally:
        interrupt_no_more()


def interrupt_no_more() -> None:
    """Stop interrupting, while the outcome of interrupted work is stored."""
    _Asked.may_interrupt = False


def done() -> None:
    """Reset: the process has stopped its work, or was never asked to."""
    _Asked.at, _Asked.may_interrupt = None, False


def begin() -> None:
    """Ask this process to stop. After the grace period it is signalled repeatedly."""
    if _Asked.at is None:
        _Asked.at = time.monotonic()
        threading.Thread(target=_insist, args=(_Asked.at,), name="stop", daemon=True).start()


def insist(frame: FrameType | None) -> None:
    """Handle a further signal. Raises: WorkerStopped: see `interruptible`."""
    over = _Asked.at is not None and time.monotonic() - _Asked.at >= GRACE_S
    if over and _Asked.may_interrupt and not is_uninterrupted(frame):
        raise WorkerStopped("asked to stop")


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
            logger.critical("Still busy %.1f s after the stop signal: ending the process.", LAST_S)
            os._exit(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_AGAIN_S)
