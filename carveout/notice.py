"""Notices: commands that may get lost, sent on a connection that Redis does not answer on."""

import logging
import os
import threading
import time
from typing import Any

from carveout.connection import REDIS_ERRORS, impatient_client, on_cluster

logger = logging.getLogger(__name__)

QUIET_S = 5.0

_connections = threading.local()
_quiet_until = 0.0


def tell(command: str, key: str, *arguments: str | bytes | int) -> None:
    """Send a command that may get lost. Never fails, and waits for no answer.

    After Redis could not be reached it is left alone for a while, so that its absence costs one
    request a moment and not each of them.
    """
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        _connected(key).send_command(command, key, *arguments, check_health=False)
    except REDIS_ERRORS as error:
        _connections.__dict__.clear()
        _quiet_until = time.monotonic() + QUIET_S
        logger.warning("%s not sent, Redis did not answer: %s", command, error)


def forget() -> None:
    """Begin anew, as in a new process."""
    global _quiet_until
    _quiet_until = 0.0
    _connections.__dict__.clear()


def _connected(key: str) -> Any:
    """This thread's connection to the server that is responsible for a key."""
    pool = _pool(key)
    name = f"{id(pool)} {os.getpid()}"
    known = _connections.__dict__.get(name)
    if known is not None and not _has_ended(known):
        return known
    _connections.__dict__[name] = new = pool.make_connection()
    new.connect()
    # Source: https://redis.io/docs/latest/commands/client-reply/
    new.send_command("CLIENT", "REPLY", "OFF", check_health=False)
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
