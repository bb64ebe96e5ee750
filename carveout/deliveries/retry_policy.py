"""Computes how long to wait: before an attempt is repeated, and while lookups do not answer."""

import random
import time
from dataclasses import dataclass, field

from carveout.conf import get_settings
from carveout.subscriptions.subscription import Subscription

BACKOFF_MAX_S = 30.0


def retry_delay_s(attempts: int, subscription: Subscription | None = None) -> float:
    """Exponential backoff with full jitter.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    settings = get_settings()
    base_s = (subscription and subscription.retry_base_s) or settings.retry_base_s
    cap_s = (subscription and subscription.retry_cap_s) or settings.retry_cap_s
    ceiling = min(cap_s, base_s * 2.0 ** min(attempts, 30))
    return random.uniform(0, ceiling)  # noqa: S311 - spreads retries, guards nothing


@dataclass
class Backoffs:
    """Makes a subscription whose lookups don't answer wait a little longer each time."""

    _until: dict[str, float] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)

    def is_waiting(self, subscription: str) -> bool:
        return time.monotonic() < self._until.get(subscription, 0.0)

    def failed(self, subscription: str) -> float:
        """Back off for longer than last time. Returns: for how many seconds."""
        self._failures[subscription] = failures = self._failures.get(subscription, 0) + 1
        seconds = min(retry_delay_s(failures), BACKOFF_MAX_S)
        self._until[subscription] = time.monotonic() + seconds
        return seconds

    def wait(self, subscription: str, seconds: float) -> None:
        """Back off for a reason other than a lookup."""
        self._until[subscription] = time.monotonic() + seconds

    def reset(self, subscription: str) -> None:
        self._failures.pop(subscription, None)
        self._until.pop(subscription, None)
