"""Parts of a round that run apart: one's trouble is not another's."""

import logging
from collections.abc import Callable, Iterable

from django.db import Error

from carveout import database
from carveout.errors import CarveoutError, StreamRefused, StreamUnavailable
from carveout.pause import Pauses

logger = logging.getLogger(__name__)

Part = tuple[str, Callable[[], int]]
"""What a part is called, and a function that runs it and returns how much it did."""


class Apart:
    """Runs parts one after the other. One that fails backs off while the others go on."""

    def __init__(self) -> None:
        self._pauses = Pauses()

    def backs_off(self, name: str) -> bool:
        return self._pauses.rests(name)

    def run(self, parts: Iterable[Part]) -> int:
        """Run each part that does not back off.

        Returns: how much was done. Raises: what the first part raised, if all failed, or if Redis
            did not answer: then no part gets far.
        """
        done, tried, failed = 0, 0, dict[str, Exception]()
        for name, part in parts:
            if self._pauses.rests(name):
                continue
            tried += 1
            try:
                done += part()
                self._pauses.clear(name)
            except Exception as error:
                if isinstance(error, StreamUnavailable) and not isinstance(error, StreamRefused):
                    raise
                failed[name] = error
                database.drop_unusable()
        if failed and len(failed) == tried:
            raise next(iter(failed.values()))
        for name, problem in failed.items():
            self._back_off(name, problem)
        return done

    def _back_off(self, name: str, error: Exception) -> None:
        seconds = self._pauses.pause(name)
        known = isinstance(error, CarveoutError | Error)
        logger.warning("%s backs off for %.1f s: %s", name, seconds, error, exc_info=not known)
