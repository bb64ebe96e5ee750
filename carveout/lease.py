"""Leases: one consumer at a time works on a partition. For efficiency only; cursors keep order."""

import secrets

import redis

from carveout.connection import client
from carveout.stream import Place

# Renews the lease if it is ours, takes it if it is free. Returns 1 if we hold it.
_HOLD = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Lease:
    """The right to work on one partition for one subscribing context."""

    def __init__(self, subscriber: str, place: Place, lease_ms: int) -> None:
        self._key = f"carveout:{{{place[0]}.{place[1]}}}:lease:{subscriber}"
        self._token = secrets.token_hex(8)
        self._lease_ms = lease_ms

    def hold(self) -> bool:
        """Take or renew it. Raises: redis.RedisError: Redis did not answer."""
        return bool(client().eval(_HOLD, 1, self._key, self._token, self._lease_ms))

    def release(self) -> None:
        """Let the next consumer in at once; if Redis is down, the lease just runs out."""
        try:
            client().eval(_RELEASE, 1, self._key, self._token)
        except redis.RedisError:
            return
