"""Counts what happens at run time, in Redis.

Each counter has a kind and a name: `heard` events that a subscription's cursor passed, by
"subscription type"; `failed` attempts and `done` deliveries by the same; `logged` events by type;
`caused` events by "type of the cause, own type"; `lookups`, `lookups_failed` and `lookups_us`
(microseconds) by "reader's context lookup"; `unknown` jobs whose subscription their worker does
not declare, by subscription.
A count may be lost with its process or with Redis. Nothing ever waits for one.
"""

import threading
import time
from collections import Counter
from itertools import chain

import msgspec

from carveout.conf import get_settings
from carveout.redis import inbound, keys
from carveout.redis.client import REDIS_ERRORS, Client, fast_client
from carveout.redis.fire_and_forget import send
from carveout.redis.refusals import is_wrong_type
from carveout.runtime.unix import after_fork

FLUSH_EVERY_S = 1.0
_OF_EVENTS = ("heard", "failed", "done", "logged", "caused", "unknown")
KINDS = (*_OF_EVENTS, "lookups", "lookups_failed", "lookups_us")

_lock = threading.Lock()
_pending: Counter[tuple[str, str]] = Counter()
_timer: threading.Timer | None = None
"""Flushes what is pending, even if this process has nothing more to do."""


class Count(msgspec.Struct, frozen=True):
    """How often, and when last, in seconds since 1970; 0 if unknown."""

    count: int
    last: float


def increment(kind: str, name: str, times: int = 1) -> None:
    """Count something. It reaches Redis within a second, if this process continues."""
    global _timer
    if not get_settings().uses_redis:
        return
    with _lock:
        _pending[kind, name] += times
        if _timer is None:
            _timer = threading.Timer(FLUSH_EVERY_S, flush)
            _timer.daemon = True
            _timer.start()


def flush() -> None:
    """Send the counts to Redis."""
    global _timer
    with _lock:
        counted = dict(_pending)
        _pending.clear()
        if _timer:
            _timer.cancel()
            _timer = None
    if not counted:
        return
    for (kind, name), times in counted.items():
        send("HINCRBY", keys.counts(kind), name, times)
    now = f"{time.time():.3f}"
    last = chain.from_iterable((f"{kind} {name}", now) for kind, name in counted)
    send("HSET", keys.LAST_COUNTED, *last)


def count_lookup(caller: str, of: str, took_s: float = 0.0, *, failed: bool = False) -> None:
    """Count one request of a lookup."""
    name = f"{caller} {of}"
    increment("lookups", name)
    increment("lookups_us", name, round(took_s * 1_000_000))
    if failed:
        increment("lookups_failed", name)


def lookups() -> dict[str, int]:
    """Requests by "reader lookup" since the counts were last cleared."""
    return {name: count.count for name, count in read("lookups").items()}


def read(kind: str) -> dict[str, Count]:
    """All counts of a kind, by name; those of this process are sent first.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    flush()
    ours = fast_client()
    counts = inbound.fields(ours, keys.counts(kind), inbound.whole)
    words = 1 if kind in ("logged", "unknown") else 2
    if other := [name for name in counts if len(name.split(" ")) != words]:
        inbound.ignore(keys.counts(kind), "has counts with invalid names", other[0])
    names = [name for name in counts if len(name.split(" ")) == words]
    last = _last(ours, [f"{kind} {name}" for name in names]) if names else []
    return {name: Count(counts[name], at) for name, at in zip(names, last, strict=True)}


def _last(ours: Client, names: list[str]) -> list[float]:
    try:
        found = ours.hmget(keys.LAST_COUNTED, names)
    except REDIS_ERRORS as error:
        if not is_wrong_type(error):
            raise
        inbound.ignore(keys.LAST_COUNTED, "is not a hash; delete it with `redis-cli DEL`")
        found = [None] * len(names)
    return [_moment(at) for at in found]


def _moment(raw: bytes | None) -> float:
    try:
        return inbound.moment(raw) if raw else 0.0
    except ValueError:
        inbound.ignore(keys.LAST_COUNTED, "has invalid times", raw)
        return 0.0


def drop_subscription(subscription: str) -> None:
    """Delete the counts of a removed subscription.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    ours = fast_client()
    for kind in ("heard", "failed", "done"):
        names = [name for name in read(kind) if name.startswith(f"{subscription} ")]
        if names:
            ours.hdel(keys.counts(kind), *names)
            ours.hdel(keys.LAST_COUNTED, *(f"{kind} {name}" for name in names))


def reset() -> None:
    """Reset the state to that of a new process."""
    global _lock, _timer
    _lock, _timer = threading.Lock(), None
    _pending.clear()


after_fork(reset)
