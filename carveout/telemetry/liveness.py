"""Tracks whether a worker's loop is running, for health checks."""

import time


class Liveness:
    """Counts the rounds of one worker's loop. Written by one thread, read by others."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.turns = 0
        """Successful rounds."""
        self.failures = 0
        """Rounds that ended because something did not answer."""
        self.turned_at = time.time()
        """Seconds since 1970."""
        self._turned = time.monotonic()

    def beat(self, *, well: bool = True) -> None:
        """Record a round."""
        self.turns += well
        self.failures += not well
        self.turned_at, self._turned = time.time(), time.monotonic()

    @property
    def age_s(self) -> float:
        """Seconds since the last round, or since the start."""
        return time.monotonic() - self._turned


liveness = Liveness()
"""The liveness of this process."""
