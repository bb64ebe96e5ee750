"""Redis for commands that need it: the one in the settings, or an embedded one of our own."""

from collections.abc import Iterator
from contextlib import contextmanager

from carveout import embedded
from carveout.conf import get_settings


@contextmanager
def redis_running() -> Iterator[None]:
    """Keep the embedded server up inside the block, if no REDIS_URL is set."""
    settings = get_settings()
    if settings.redis_url or not settings.uses_redis:
        yield
        return
    with embedded.started(settings.state_dir):
        yield
