"""Markers: a consumer that dies in the middle of a batch leaves one behind for its successor.

A marker that gets lost costs one more death of a consumer, and one that stays makes a successor
careful for no reason. So nobody waits for Redis.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from carveout.connection import client
from carveout.errors import CursorMoved, LogMismatch
from carveout.event import Place
from carveout.notice import tell
from carveout.stop import WorkerStopped

EXPIRES_S = 86_400


def is_set(subscriber: str, place: Place) -> bool:
    """Did whoever worked here before us not come to the end of a batch?"""
    return bool(client().exists(_key(subscriber, place)))


@contextmanager
def marked(subscriber: str, place: Place) -> Iterator[None]:
    """Leave a marker if the process dies inside the block, or ends with what it should not."""
    tell("SET", _key(subscriber, place), b"1", "EX", EXPIRES_S)
    try:
        yield
    except (CursorMoved, LogMismatch, WorkerStopped):
        tell("DEL", _key(subscriber, place))
        raise
    tell("DEL", _key(subscriber, place))


def _key(subscriber: str, place: Place) -> str:
    return f"carveout:{{{place[0]}.{place[1]}}}:batch:{subscriber}"
