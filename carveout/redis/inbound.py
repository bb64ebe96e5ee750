"""Checks values read from Redis, since other programs may have written them.

Unreadable values are skipped and logged once.
"""

import logging
import math
from collections.abc import Callable
from typing import TypeVar

import msgspec
import redis

from carveout.events.event import POSITION_MAX
from carveout.redis.client import Client
from carveout.redis.refusals import is_wrong_type

logger = logging.getLogger(__name__)

NAME_LENGTH_MAX = 500
NUMBER_LENGTH_MAX = 40
VALUE_BYTES_MAX = 4 * 1024 * 1024
MOMENT_MAX = 253_402_300_799
"""The latest time that a date can hold, in seconds since 1970."""
NAMED_MAX = 1_000
"""How many are remembered; beyond that, some are logged again."""

UNREADABLE = (ValueError, RecursionError, msgspec.MsgspecError)

Value = TypeVar("Value")

_named: set[tuple[str, str]] = set()


def ignore(key: str, why: str, example: object = "") -> None:
    """Log a skipped value, once per process."""
    if (key, why) in _named:
        return
    if len(_named) >= NAMED_MAX:
        _named.clear()
    _named.add((key, why))
    shown = f", such as {str(example)[:200]}" if example != "" else ""
    logger.warning("Ignored in Redis: %s %s%s", key, why, shown)


def name(raw: bytes) -> str:
    """Text that can be a name. Raises: ValueError: it can't be one."""
    text = raw.decode()
    if not text.isprintable() or not 0 < len(text) <= NAME_LENGTH_MAX:
        raise ValueError("no name")
    return text


def whole(raw: bytes) -> int:
    """A whole number from 0 that fits a column. Raises: ValueError: it is not one."""
    number = int(raw[:NUMBER_LENGTH_MAX])
    if len(raw) > NUMBER_LENGTH_MAX or not 0 <= number <= POSITION_MAX:
        raise ValueError("no position or count")
    return number


def moment(raw: bytes) -> float:
    """Seconds since 1970. Raises: ValueError: it is not such a time."""
    return in_time(float(raw[:NUMBER_LENGTH_MAX]))


def in_time(seconds: float) -> float:
    """Seconds since 1970 that a date can hold. Raises: ValueError: no date can."""
    if not math.isfinite(seconds) or not 0 <= seconds <= MOMENT_MAX:
        raise ValueError("no time")
    return seconds


def fields(of: Client, key: str, read: Callable[[bytes], Value]) -> dict[str, Value]:
    """A hash by name, without unreadable fields.

    read: raises one of UNREADABLE for a field that it can't read.

    Raises: redis.RedisError, OSError: Redis did not answer, or refused.
    """
    found: dict[str, Value] = {}
    for raw_name, raw in hash_of(of, key).items():
        try:
            if len(raw) > VALUE_BYTES_MAX:
                raise ValueError("too long")
            found[name(raw_name)] = read(raw)
        except UNREADABLE as error:
            ignore(key, "has unreadable fields", f"{raw_name[:50]!r}: {raw[:50]!r} ({error})")
    return found


def hash_of(of: Client, key: str) -> dict[bytes, bytes]:
    """A hash as it is; empty if the key holds another type."""
    try:
        found: dict[bytes, bytes] = of.hgetall(key)
    except redis.ResponseError as error:
        if not is_wrong_type(error):
            raise
        ignore(key, "is not a hash; delete it with `redis-cli DEL`")
        return {}
    return found


def reset() -> None:
    """Reset the state to that of a new process."""
    _named.clear()
