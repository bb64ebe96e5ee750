"""Marks a batch in Redis, so that a consumer knows if its predecessor died in the middle of it.

A lost marker costs one more crash of a consumer; a stale one makes a successor handle events one by
one for no reason. So nothing waits for Redis.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from carveout.errors import CursorMoved, LogMismatch
from carveout.events.event import PartitionRef
from carveout.redis import keys
from carveout.redis.client import client
from carveout.redis.fire_and_forget import send
from carveout.runtime.stopping import WorkerStopped

EXPIRES_S = 86_400


def crashed_before(subscriber: str, ref: PartitionRef) -> bool:
    """Whether the previous consumer here did not finish a batch."""
    return bool(client().exists(keys.crash_marker(ref, subscriber)))


@contextmanager
def marking(subscriber: str, ref: PartitionRef) -> Iterator[None]:
    """Leave a marker if the process dies inside the block, or an unexpected error ends it."""
    send("SET", keys.crash_marker(ref, subscriber), b"1", "EX", EXPIRES_S)
    try:
        yield
    except (CursorMoved, LogMismatch, WorkerStopped):
        send("DEL", keys.crash_marker(ref, subscriber))
        raise
    send("DEL", keys.crash_marker(ref, subscriber))
