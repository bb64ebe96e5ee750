"""Leases: the partitions of a subscribing context, shared out evenly among its consumers.

For efficiency only: two consumers on one partition lose nothing, because cursors move by
compare-and-set. Each consumer is a member while it renews; the n-th of the members works on every
n-th partition. A member that dies or is stopped drops out, and the others take over.
"""

import logging
import secrets
import threading
import time
from collections.abc import Collection, Sequence

import redis

from carveout import inbound
from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS, client
from carveout.event import Place
from carveout.refusal import is_wrong_type

logger = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 3

LONGEST = 10
"""A lease that lasts longer than so many of ours was not written by a consumer, or by a clock that
was wrong. It is taken over at once."""

# Counts us among the members, forgets those who did not renew, and returns all, in order. What is
# no set of members gives way, and so do members that would stay for ever.
_JOIN = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local added = redis.pcall('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if type(added) == 'table' and added.err then
    if not string.find(added.err, 'WRONGTYPE') then return added end
    redis.call('DEL', KEYS[1])
    redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + ARGV[2] * ARGV[3], '+inf')
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 2)
local members = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(members)
return members
"""
# Renews the lease if it is ours, takes it if it is free. Returns 1 if we hold it. What is no lease,
# or would never end, gives way.
_HOLD = """
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'table' and not string.find(holder.err, 'WRONGTYPE') then return holder end
if type(holder) == 'string' and holder ~= ARGV[1] then
    local left = redis.call('PTTL', KEYS[1])
    if left >= 0 and left <= ARGV[2] * ARGV[3] then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = """
if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


def members(subscriber: str) -> int:
    """How many consumers of a subscribing context run.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    seconds, microseconds = client().time()
    now_ms = seconds * 1000 + microseconds // 1000
    latest_ms = now_ms + get_settings().lease_ms * LONGEST
    try:
        return int(client().zcount(_members_key(subscriber), now_ms, latest_ms))
    except redis.ResponseError as error:
        if not is_wrong_type(error):
            raise
        inbound.ignore(_members_key(subscriber), "is not a sorted set; the next consumer makes it")
        return 0


def _members_key(subscriber: str) -> str:
    return f"carveout:members:{subscriber}"


class Leases:
    """One consumer's leases for one subscribing context."""

    def __init__(self, subscriber: str, lease_ms: int) -> None:
        self.token = secrets.token_hex(8)
        self._subscriber = subscriber
        self._lease_ms = lease_ms
        self._held_until: dict[Place, float] = {}
        self._settled_at = 0.0
        self._changing = threading.Lock()  # settling and renewing happen in two threads

    def held(self) -> set[Place]:
        """The partitions that are ours for now."""
        held_until = self._held_until.copy()
        return {place for place, until in held_until.items() if time.monotonic() < until}

    @property
    def unsettled(self) -> bool:
        """Is it time to share again?"""
        return time.monotonic() - self._settled_at >= self._lease_ms / 1000 / RENEWALS_PER_LEASE

    @property
    def settled(self) -> bool:
        """Did we share within the time that a lease lasts?"""
        return time.monotonic() - self._settled_at < self._lease_ms / 1000

    def settle(self, places: Collection[Place]) -> None:
        """Take what is our share of these, and let go of what is not.

        Raises: redis.RedisError, OSError: Redis did not answer.
        """
        with self._changing:
            share = self._share(sorted(places))
            for place in self.held() - share:
                self._release(place)
            for place in share:
                self._hold(place)
        self._settled_at = time.monotonic()

    def renew(self) -> None:
        """Keep what we hold while a batch takes long.

        Raises: redis.RedisError, OSError: Redis did not answer.
        """
        with self._changing:
            self._members()
            for place in self.held():
                self._hold(place)

    def leave(self) -> None:
        """Let the other consumers take over at once; if Redis is down, the leases run out."""
        try:
            client().zrem(_members_key(self._subscriber), self.token)
            for place in self.held():
                self._release(place)
        except REDIS_ERRORS:
            self._held_until.clear()

    def _share(self, places: Sequence[Place]) -> set[Place]:
        members = self._members()
        rank = members.index(self.token.encode())
        return set(places[rank :: len(members)])

    def _members(self) -> list[bytes]:
        key = _members_key(self._subscriber)
        members: list[bytes] = client().eval(_JOIN, 1, key, self.token, self._lease_ms, LONGEST)
        return members

    def _hold(self, place: Place) -> None:
        asked_at = time.monotonic()
        if client().eval(_HOLD, 1, self._key(place), self.token, self._lease_ms, LONGEST):
            self._held_until[place] = asked_at + self._lease_ms / 1000
        else:
            self._held_until.pop(place, None)

    def _release(self, place: Place) -> None:
        self._held_until.pop(place, None)
        client().eval(_RELEASE, 1, self._key(place), self.token)

    def _key(self, place: Place) -> str:
        return f"carveout:{{{place[0]}.{place[1]}}}:lease:{self._subscriber}"


class Heartbeat:
    """Renews leases in a thread of its own, as long as this process lives and is not stopped."""

    def __init__(self, leases: Sequence[Leases], lease_ms: int) -> None:
        self._leases = leases
        self._every_s = lease_ms / 1000 / RENEWALS_PER_LEASE
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                for leases in self._leases:
                    leases.renew()
            except REDIS_ERRORS as error:
                logger.debug("leases not renewed: %s", error)
