"""Notices: commands that may get lost, sent on a connection that Redis does not answer on."""

import logging
import threading
import time
from typing import Any
from weakref import WeakKeyDictionary

from carveout.connection import REDIS_ERRORS, impatient_client, on_cluster
from carveout.refusal import unavailable
from carveout.unix import after_fork

logger = logging.getLogger(__name__)

QUIET_S = 5.0
HINT_ONLY = "No event depends on what was not sent."

_sending = threading.Lock()
_connections: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
"""By pool: a client that is no longer used takes its connection along."""
_quiet_until = 0.0


def tell(command: str, key: str, *arguments: str | bytes | int, kept: str = "") -> None:
    """Send a command that may get lost. Never fails, and waits for no answer.

    kept: what to say of the event, or of whatever else it was about, if Redis is away.

    After Redis could not be reached it is left alone for a while, so that its absence costs one
    request a moment and not each of them.
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


def forget() -> None:
    """Begin anew, as in a new process."""
    global _sending, _quiet_until
    _sending, _quiet_until = threading.Lock(), 0.0
    _connections.clear()


after_fork(forget)


def _connected(key: str) -> Any:
    """Our connection to the server that is responsible for a key."""
    pool = _pool(key)
    known = _connections.get(pool)
    if known is not None and not _has_ended(known):
        return known
    new = pool.connection_class(**pool.connection_kwargs)  # none of those that the pool counts
    new.connect()
    # Source: https://redis.io/docs/latest/commands/client-reply/
    new.send_command("CLIENT", "REPLY", "OFF", check_health=False)
    _connections[pool] = new
    return new


def _pool(key: str) -> Any:
    ours = impatient_client()
    if on_cluster():
        ours = ours.get_redis_connection(ours.get_node_from_key(key))
    return ours.connection_pool


def _has_ended(connection: Any) -> bool:
    """Redis says nothing here, so all there can be to read is the end."""
    try:
        return bool(connection.can_read(timeout=0))
    except REDIS_ERRORS:
        return True
