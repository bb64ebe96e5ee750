"""Reads single keys from the terminal of a command that keeps running."""

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """Let keys arrive without Enter. Ctrl-C works as before.

    Yields: a function that waits for a key, that many seconds at most, and returns it, or an empty
    string. Without a terminal it only waits.
    """
    if not sys.stdin.isatty():
        yield _no_key
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield _key
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _key(seconds: float) -> str:
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    # Not by sys.stdin, which would take further keys into a buffer that select does not see.
    return os.read(sys.stdin.fileno(), 1).decode(errors="replace") if ready else ""


def _no_key(seconds: float) -> str:
    time.sleep(seconds)
    return ""
