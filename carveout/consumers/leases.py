"""Shares the partitions of a subscribing context evenly among its consumers, with leases.

For efficiency only: two consumers on one partition lose nothing, because cursors move by
compare-and-set. Each consumer is a member while it renews; the n-th of the members works on every
n-th partition. A member that dies or is stopped drops out, and the others take over.
"""

import logging
import secrets
import threading
import time
from collections.abc import Collection, Sequence

from carveout.conf import get_settings
from carveout.events.event import PartitionRef
from carveout.redis import inbound, keys
from carveout.redis.client import REDIS_ERRORS, client
from carveout.redis.refusals import is_wrong_type

logger = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 3

LONGEST = 10
"""A lease that lasts longer than this many of ours was not written by a consumer, or its clock was
wrong. It is taken over at once."""

# Adds this consumer to the members, removes expired ones, and returns all, in order. A value of
# another type is replaced, and members that would never expire are removed.
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
# Renews the lease if it is its own, takes it if it is free. Returns 1 if we hold it. Any other
# value, or a lease that would never end, is replaced.
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
    """How many consumers of a subscribing context are running.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    seconds, microseconds = client().time()
    now_ms = seconds * 1000 + microseconds // 1000
    latest_ms = now_ms + get_settings().lease_ms * LONGEST
    try:
        return int(client().zcount(keys.members(subscriber), now_ms, latest_ms))
    except REDIS_ERRORS as error:
        if not is_wrong_type(error):
            raise
        inbound.ignore(keys.members(subscriber), "is not a sorted set; a consumer will replace it")
        return 0


class Leases:
    """One consumer's leases for one subscribing context."""

    def __init__(self, subscriber: str, lease_ms: int) -> None:
        self.token = secrets.token_hex(8)
        self._subscriber = subscriber
        self._lease_ms = lease_ms
        self._held_until: dict[PartitionRef, float] = {}
        self._rebalanced_at = 0.0
        self._changing = threading.Lock()  # rebalancing and renewing happen in two threads

    def held(self) -> set[PartitionRef]:
        """The partitions that this consumer holds now."""
        held_until = self._held_until.copy()
        return {ref for ref, until in held_until.items() if time.monotonic() < until}

    @property
    def needs_rebalance(self) -> bool:
        """Whether it is time to rebalance."""
        return time.monotonic() - self._rebalanced_at >= self._lease_ms / 1000 / RENEWALS_PER_LEASE

    @property
    def is_balanced(self) -> bool:
        """Whether the last rebalancing is not older than a lease."""
        return time.monotonic() - self._rebalanced_at < self._lease_ms / 1000

    def rebalance(self, refs: Collection[PartitionRef]) -> None:
        """Take this consumer's share of these, and release the rest.

        Raises: redis.RedisError, OSError: Redis did not answer.
        """
        with self._changing:
            share = self._share(sorted(refs))
            for ref in self.held() - share:
                self._release(ref)
            for ref in share:
                self._hold(ref)
        self._rebalanced_at = time.monotonic()

    def renew(self) -> None:
        """Renew the held leases during a long batch.

        Raises: redis.RedisError, OSError: Redis did not answer.
        """
        with self._changing:
            self._members()
            for ref in self.held():
                self._hold(ref)

    def leave(self) -> None:
        """Let the other consumers take over at once; if Redis is down, the leases run out."""
        try:
            client().zrem(keys.members(self._subscriber), self.token)
            for ref in self.held():
                self._release(ref)
        except REDIS_ERRORS:
            self._held_until.clear()

    def _share(self, refs: Sequence[PartitionRef]) -> set[PartitionRef]:
        members = self._members()
        rank = members.index(self.token.encode())
        return set(refs[rank :: len(members)])

    def _members(self) -> list[bytes]:
        key = keys.members(self._subscriber)
        members: list[bytes] = client().eval(_JOIN, 1, key, self.token, self._lease_ms, LONGEST)
        return members

    def _hold(self, ref: PartitionRef) -> None:
        asked_at = time.monotonic()
        key = keys.lease(ref, self._subscriber)
        if client().eval(_HOLD, 1, key, self.token, self._lease_ms, LONGEST):
            self._held_until[ref] = asked_at + self._lease_ms / 1000
        else:
            self._held_until.pop(ref, None)

    def _release(self, ref: PartitionRef) -> None:
        self._held_until.pop(ref, None)
        client().eval(_RELEASE, 1, keys.lease(ref, self._subscriber), self.token)


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
