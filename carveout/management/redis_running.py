"""Provides Redis to commands that need it: the one in the settings, or the embedded Valkey."""

from collections.abc import Iterator
from contextlib import contextmanager

from carveout.conf import get_settings
from carveout.runtime import valkey


@contextmanager
def redis_running() -> Iterator[None]:
    """Keeps the embedded server running inside the block, if no REDIS_URL is set."""
    settings = get_settings()
    if settings.redis_url or not settings.uses_redis:
        yield
        return
    with valkey.started(settings.state_dir):
        yield
