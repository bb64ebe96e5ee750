"""Markers: a consumer that dies in the middle of a batch leaves one behind for its successor.

A marker that Redis loses costs one more death of a consumer, and nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from carveout.connection import REDIS_ERRORS, client
from carveout.event import Place

EXPIRES_S = 86_400


def is_set(subscriber: str, place: Place) -> bool:
    """Did whoever worked here before us not come to the end of a batch?"""
    return bool(client().exists(_key(subscriber, place)))


@contextmanager
def marked(subscriber: str, place: Place) -> Iterator[None]:
    """Leave a marker if the process dies inside the block; an error takes it away."""
    client().set(_key(subscriber, place), b"1", ex=EXPIRES_S)
    try:
        yield
    finally:
        with suppress(*REDIS_ERRORS):  # the successor will be careful for no reason
            client().delete(_key(subscriber, place))


def _key(subscriber: str, place: Place) -> str:
    return f"carveout:{{{place[0]}.{place[1]}}}:batch:{subscriber}"
