"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

POLL_S = 0.05


def eventually(predicate: Callable[[], Value], timeout_s: float = 90.0) -> Value:
    """Call until it returns something true, and return that.

    A failed assertion inside counts as "not yet"; the last one is shown when time is up.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            last: object = (value := predicate())
            if value:
                return value
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s; at last it was: {last!r}")
        time.sleep(POLL_S)
