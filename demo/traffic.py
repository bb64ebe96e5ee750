"""Customers who order all the time, a few each second."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

CUSTOMERS = 8
"""So many wait for an answer at the same time, at most."""


@dataclass(frozen=True)
class Answers:
    """What customers got, over some time."""

    taken: int
    lost: int
    slowest_s: float


class Traffic:
    """Orders at a steady rate until it is stopped.

    order: places the order of this number; raises anything if the shop did not take it.
    """

    def __init__(self, order: Callable[[int], None], per_second: float) -> None:
        self._order, self._every_s = order, 1 / per_second
        self._found: list[tuple[bool, float]] = []
        """By attempt: whether the order was taken, and the seconds until the answer."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def answers(self) -> Answers:
        """Those since the last call."""
        found, self._found = self._found, []
        taken = sum(was_taken for was_taken, _ in found)
        return Answers(taken, len(found) - taken, max((took_s for _, took_s in found), default=0))

    def stop(self) -> None:
        """Returns when the last answer is there."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with ThreadPoolExecutor(CUSTOMERS) as customers:
            for number in count():
                customers.submit(self._attempt, number)
                if self._stop.wait(self._every_s):
                    return

    def _attempt(self, number: int) -> None:
        at = time.monotonic()
        try:
            self._order(number)
            taken = True
        except Exception:  # the customer sees an error page, or nothing
            taken = False
        self._found.append((taken, time.monotonic() - at))
