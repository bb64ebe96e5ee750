"""Connections that ask Sentinels for the way."""

from typing import Any

from redis.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection


class SentinelConnection(SentinelManagedConnection):
    """Is given up when a signal interrupts a reply, as other connections are.

    redis-py's own goes back to its pool, and the next command would read the reply of the last.
    """

    def read_response(self, *args: Any, **options: Any) -> Any:
        return super().read_response(*args, **{"disconnect_on_error": True, **options})


class SentinelTLSConnection(SentinelConnection, SentinelManagedSSLConnection):
    """The same with TLS."""
