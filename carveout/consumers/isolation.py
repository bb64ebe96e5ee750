"""Runs the parts of a round so that the failure of one does not affect the others."""

import logging
from collections.abc import Callable, Iterable

from django.db import Error

from carveout.deliveries.retry_policy import Backoffs
from carveout.errors import CarveoutError, StreamRefused, StreamUnavailable
from carveout.runtime import databases

logger = logging.getLogger(__name__)

Part = tuple[str, Callable[[], int]]
"""A part's name, and a function that runs it and returns how much it did."""


class Apart:
    """Runs parts one after the other. One that fails backs off while the others go on."""

    def __init__(self) -> None:
        self._backoffs = Backoffs()

    def backs_off(self, name: str) -> bool:
        return self._backoffs.is_waiting(name)

    def run(self, parts: Iterable[Part]) -> int:
        """Run each part that is not backing off.

        Returns: how much was done. Raises: what the first part raised, if all failed, or if Redis
            did not answer: then no part can work.
        """
        done, tried, failed = 0, 0, dict[str, Exception]()
        for name, part in parts:
            if self._backoffs.is_waiting(name):
                continue
            tried += 1
            try:
                done += part()
                self._backoffs.reset(name)
            except Exception as error:
                if isinstance(error, StreamUnavailable) and not isinstance(error, StreamRefused):
                    raise
                failed[name] = error
                databases.drop_unusable()
        if failed and len(failed) == tried:
            raise next(iter(failed.values()))
        for name, problem in failed.items():
            self._back_off(name, problem)
        return done

    def _back_off(self, name: str, error: Exception) -> None:
        seconds = self._backoffs.failed(name)
        known = isinstance(error, CarveoutError | Error)
        logger.warning("%s backs off for %.1f s: %s", name, seconds, error, exc_info=not known)
