"""Fire-and-forget Redis commands, sent with CLIENT REPLY OFF. They may be lost."""

import logging
import threading
import time
from typing import Any
from weakref import WeakKeyDictionary

from carveout.redis.client import REDIS_ERRORS, fast_client, on_cluster
from carveout.redis.refusals import unavailable
from carveout.runtime.unix import after_fork

logger = logging.getLogger(__name__)

QUIET_S = 5.0
HINT_ONLY = "No event depends on the unsent command."

_sending = threading.Lock()
_connections: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
"""By pool, so that a connection ends with its client."""
_quiet_until = 0.0


def send(command: str, key: str, *arguments: str | bytes | int, kept: str = "") -> None:
    """Send a command that may get lost. Never fails and never waits for an answer.

    kept: a sentence about what is kept, for the message if Redis is unreachable.

    After a failed connection, Redis is not tried for a while, so that an outage delays one
    request and not every one.
    """
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        with _sending:
            _connected(key).send_command(command, key, *arguments, check_health=False)
    except REDIS_ERRORS as error:
        _connections.clear()
        _quiet_until = time.monotonic() + QUIET_S
        logger.warning("%s %s", unavailable(error), kept or HINT_ONLY)


def reset() -> None:
    """Reset the state to that of a new process."""
    global _sending, _quiet_until
    _sending, _quiet_until = threading.Lock(), 0.0
    _connections.clear()


after_fork(reset)


def _connected(key: str) -> Any:
    """This process's connection to the server that is responsible for a key."""
    pool = _pool(key)
    known = _connections.get(pool)
    if known is not None and not _has_ended(known):
        return known
    new = pool.connection_class(**pool.connection_kwargs)  # not one that the pool counts
    new.connect()
    # Source: https://redis.io/docs/latest/commands/client-reply/
    new.send_command("CLIENT", "REPLY", "OFF", check_health=False)
    _connections[pool] = new
    return new


def _pool(key: str) -> Any:
    ours = fast_client()
    if on_cluster():
        ours = ours.get_redis_connection(ours.get_node_from_key(key))
    return ours.connection_pool


def _has_ended(connection: Any) -> bool:
    """Redis sends no replies here, so the only thing to read is the end of the connection."""
    try:
        return bool(connection.can_read(timeout=0))
    except REDIS_ERRORS:
        return True
