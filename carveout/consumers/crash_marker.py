"""Marks a batch in Redis, so that a consumer knows if its predecessor died in the middle of it.

A lost marker costs one more crash of a consumer; a stale one makes a successor handle events one by
one for no reason. So nothing waits for Redis.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from carveout.errors import CopyOvertaken, CursorMoved, LogMismatch
from carveout.events.event import PartitionRef
from carveout.redis import keys
from carveout.redis.client import client
from carveout.redis.fire_and_forget import send
from carveout.runtime.stopping import WorkerStopped

EXPIRES_S = 86_400


def crashed_before(subscriber: str, ref: PartitionRef) -> bool:
    """Whether the previous consumer here did not finish a batch."""
    return bool(client().exists(keys.crash_marker(ref, subscriber)))


class CrashMarker:
    """The marker of one partition. It stays while batches follow each other closely."""

    def __init__(self, subscriber: str, ref: PartitionRef) -> None:
        self._key = keys.crash_marker(ref, subscriber)
        self._is_set = self._has_failed = False

    @contextmanager
    def marking(self) -> Iterator[None]:
        """Leave the marker if the process dies inside the block, or an unexpected error ends it."""
        if not self._is_set:
            send("SET", self._key, b"1", "EX", EXPIRES_S)
            self._is_set = True
        try:
            yield
        except (CursorMoved, CopyOvertaken, LogMismatch, WorkerStopped):
            self._has_failed = False
            self.remove()
            raise
        except BaseException:
            self._has_failed = True
            raise
        self._has_failed = False

    def remove(self) -> None:
        """Remove the marker between two batches, unless the last one ended with such an error."""
        if self._is_set and not self._has_failed:
            send("DEL", self._key)
            self._is_set = False
