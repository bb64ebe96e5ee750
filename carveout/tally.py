"""Tallies: counts of what happens at run time, kept in Redis for whoever wants to see them.

Each counts something of a name: `heard` events that a subscription's cursor passed, by
"subscription type"; `failed` attempts and `done` deliveries by the same; `logged` events by type;
`caused` events by "type of the cause, own type"; `lookups`, `lookups_failed` and `lookups_us`
(microseconds) by "reader's context lookup"; `unknown` jobs whose subscription their worker does
not declare, by subscription.
A tally may be lost with its process or with Redis. No order ever waits for one.
"""

import threading
import time
from collections import Counter

import msgspec
import redis

from carveout import inbound
from carveout.conf import get_settings
from carveout.connection import Client, impatient_client
from carveout.notice import tell
from carveout.refusal import is_wrong_type
from carveout.unix import after_fork

FLUSH_EVERY_S = 1.0
_OF_EVENTS = ("heard", "failed", "done", "logged", "caused", "unknown")
KINDS = (*_OF_EVENTS, "lookups", "lookups_failed", "lookups_us")
LAST = "carveout:tally:last"

_lock = threading.Lock()
_pending: Counter[tuple[str, str]] = Counter()
_flushed_at = 0.0


class Tally(msgspec.Struct, frozen=True):
    """How often, and when last, in seconds since 1970; 0 if that is not known."""

    count: int
    last: float


def count(kind: str, name: str, times: int = 1) -> None:
    """Count something. It is shown within a second, if this process goes on."""
    if not get_settings().uses_redis:
        return
    with _lock:
        _pending[kind, name] += times
    if time.monotonic() - _flushed_at > FLUSH_EVERY_S:
        flush()


def flush() -> None:
    """Show what was counted until now."""
    global _flushed_at
    _flushed_at = time.monotonic()
    with _lock:
        counted = dict(_pending)
        _pending.clear()
    now = f"{time.time():.3f}"
    for (kind, name), times in counted.items():
        tell("HINCRBY", _key(kind), name, times)
        tell("HSET", LAST, f"{kind} {name}", now)


def count_lookup(caller: str, of: str, took_s: float = 0.0, *, failed: bool = False) -> None:
    """Count one request of a lookup, and show it at once."""
    name = f"{caller} {of}"
    count("lookups", name)
    count("lookups_us", name, round(took_s * 1_000_000))
    if failed:
        count("lookups_failed", name)
    flush()


def lookups() -> dict[str, int]:
    """Requests by "reader lookup" since the counts were last cleared."""
    return {name: tally.count for name, tally in of_kind("lookups").items()}


def of_kind(kind: str) -> dict[str, Tally]:
    """All tallies of a kind, by name. Raises: redis.RedisError, OSError: Redis did not answer."""
    ours = impatient_client()
    counts = inbound.fields(ours, _key(kind), inbound.whole)
    words = 1 if kind in ("logged", "unknown") else 2
    if other := [name for name in counts if len(name.split(" ")) != words]:
        inbound.ignore(_key(kind), "counts what has no such name", other[0])
    names = [name for name in counts if len(name.split(" ")) == words]
    last = _last(ours, [f"{kind} {name}" for name in names]) if names else []
    return {name: Tally(counts[name], at) for name, at in zip(names, last, strict=True)}


def _last(ours: Client, names: list[str]) -> list[float]:
    try:
        found = ours.hmget(LAST, names)
    except redis.ResponseError as error:
        if not is_wrong_type(error):
            raise
        inbound.ignore(LAST, "is not a hash; delete it with `redis-cli DEL`")
        found = [None] * len(names)
    return [_moment(at) for at in found]


def _moment(raw: bytes | None) -> float:
    try:
        return inbound.moment(raw) if raw else 0.0
    except ValueError:
        inbound.ignore(LAST, "has times that are none", raw)
        return 0.0


def clear(subscription: str) -> None:
    """Count nothing any more of a subscription that is gone for good.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    ours = impatient_client()
    for kind in ("heard", "failed", "done"):
        names = [name for name in of_kind(kind) if name.startswith(f"{subscription} ")]
        if names:
            ours.hdel(_key(kind), *names)
            ours.hdel(LAST, *(f"{kind} {name}" for name in names))


def _key(kind: str) -> str:
    return f"carveout:tally:{kind}"


def forget() -> None:
    """Begin anew, as in a new process."""
    global _lock
    _lock = threading.Lock()
    _pending.clear()


after_fork(forget)
