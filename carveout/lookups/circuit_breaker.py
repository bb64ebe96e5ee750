"""Stops requests to a context that does not answer, and tries again after a while."""

import time
from dataclasses import dataclass

FAILURES_TO_OPEN = 5
OPEN_S = 5.0


@dataclass
class CircuitBreaker:
    """Counts failures in a row; lets one request through each time it has been open long enough."""

    failures: int = 0
    opened_at: float = 0.0

    @property
    def has_tripped(self) -> bool:
        """Whether it is open, or waiting for the one request that may close it."""
        return self.failures >= FAILURES_TO_OPEN

    def blocks(self) -> bool:
        if not self.has_tripped:
            return False
        if time.monotonic() - self.opened_at < OPEN_S:
            return True
        self.opened_at = time.monotonic()
        return False

    def succeeded(self) -> None:
        self.failures = 0

    def failed(self) -> None:
        self.failures += 1
        self.opened_at = time.monotonic()
