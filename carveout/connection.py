"""Connections to Redis or Valkey, with our own time limits and no silent retries."""

import logging
import time
from functools import lru_cache
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from carveout.conf import get_settings

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 2.0
REPLY_MARGIN_S = 5.0
"""How much longer than the longest blocking call a reply may take."""
HURRY_S = 0.5
QUIET_S = 5.0

Client = Any
"""A redis-py client. Its annotations differ from release to release, so we do without."""

REDIS_ERRORS = (redis.RedisError, OSError)

_quiet_until = 0.0


@lru_cache(maxsize=8)
def _client(url: str, timeout_s: float) -> Client:
    """One pool per URL and time limit.

    A client that repeats a command by itself could add an entry twice, so it never does; the
    protocol is pinned because replies differ between RESP2 and RESP3.
    Source: https://redis.readthedocs.io/en/stable/retry.html
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": min(CONNECT_TIMEOUT_S, timeout_s),
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 30,
        "protocol": 2,
    }
    return redis.Redis.from_url(url, **options)


def client() -> Client:
    """The client for reading and writing; replies may take a whole blocking period."""
    settings = get_settings()
    return _client(settings.redis, settings.block_ms / 1000 + REPLY_MARGIN_S)


def impatient_client() -> Client:
    """The client for what must not hold a request up."""
    return _client(get_settings().redis, HURRY_S)


def tell(*command: str | bytes | int) -> None:
    """Send a command that may get lost. Never fails, and hardly waits.

    After Redis did not answer it is left alone for a while, so that its absence costs one request
    a moment and not each of them.
    """
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        impatient_client().execute_command(*command)
    except REDIS_ERRORS as error:
        _quiet_until = time.monotonic() + QUIET_S
        logger.warning("%s not sent, Redis did not answer: %s", command[0], error)
