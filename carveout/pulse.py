"""The pulse of a worker: whether its loop turns, for whoever has to know that it lives."""

import time


class Pulse:
    """Counts the turns of one worker's loop. Written by one thread, read by others."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.turns = 0
        """That went well."""
        self.failures = 0
        """Turns that ended with something that did not answer."""
        self.turned_at = time.time()
        """Seconds since 1970."""
        self._turned = time.monotonic()

    def turned(self, *, well: bool = True) -> None:
        """Note a turn."""
        self.turns += well
        self.failures += not well
        self.turned_at, self._turned = time.time(), time.monotonic()

    @property
    def age_s(self) -> float:
        """Seconds since the last turn, or since the start."""
        return time.monotonic() - self._turned


pulse = Pulse()
"""That of this process."""
