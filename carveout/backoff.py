"""Backoff: how long to wait before an attempt is repeated."""

import random

from carveout.conf import get_settings
from carveout.subscription import Subscription


def backoff_s(attempts: int, subscription: Subscription | None = None) -> float:
    """Exponential backoff with full jitter.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    settings = get_settings()
    base_s = (subscription and subscription.retry_base_s) or settings.retry_base_s
    cap_s = (subscription and subscription.retry_cap_s) or settings.retry_cap_s
    ceiling = min(cap_s, base_s * 2.0 ** min(attempts, 30))
    return random.uniform(0, ceiling)  # noqa: S311 - spreads retries, guards nothing
