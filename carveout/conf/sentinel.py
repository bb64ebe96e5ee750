"""Connections that ask Sentinels for the primary."""

from typing import Any

from redis.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection


class SentinelConnection(SentinelManagedConnection):
    """A connection that is dropped when a signal interrupts a reply, as others are.

    redis-py's own returns to its pool, and the next command would read the last one's reply.
    """

    def read_response(self, *args: Any, **options: Any) -> Any:
        return super().read_response(*args, **{"disconnect_on_error": True, **options})


class SentinelTLSConnection(SentinelConnection, SentinelManagedSSLConnection):
    """The same with TLS."""
