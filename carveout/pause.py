"""Pauses: a subscription whose lookups don't answer waits a little longer each time."""

import time
from dataclasses import dataclass, field

from carveout.backoff import backoff_s

PAUSE_MAX_S = 30.0


@dataclass
class Pauses:
    """Which subscriptions rest, until when, after how many failures in a row."""

    _until: dict[str, float] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)

    def rests(self, subscription: str) -> bool:
        return time.monotonic() < self._until.get(subscription, 0.0)

    def pause(self, subscription: str) -> float:
        """Rest for longer than last time. Returns: for how many seconds."""
        self._failures[subscription] = failures = self._failures.get(subscription, 0) + 1
        seconds = min(backoff_s(failures), PAUSE_MAX_S)
        self._until[subscription] = time.monotonic() + seconds
        return seconds

    def rest(self, subscription: str, seconds: float) -> None:
        """Wait for something else than a lookup."""
        self._until[subscription] = time.monotonic() + seconds

    def clear(self, subscription: str) -> None:
        self._failures.pop(subscription, None)
        self._until.pop(subscription, None)
