"""Wake-up: publishers tell the relay at once; if that gets lost, it looks by itself."""

from collections.abc import Iterable
from typing import Any

from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS, client, tell
from carveout.errors import StreamUnavailable

DRAIN_MAX = 10_000
"""Wake-ups that one look may serve."""


def wake_relay(context: str) -> None:
    """Say that there is something new in a context's log. If it gets lost, a second is lost."""
    tell("PUBLISH", _channel(context), b"")


class Listener:
    """Waits for the wake-ups of some contexts."""

    def __init__(self, contexts: Iterable[str]) -> None:
        self._channels = [_channel(context) for context in contexts]
        self._pubsub: Any = None

    def wait(self) -> None:
        """Return when one was woken, or after the blocking period.

        Raises: StreamUnavailable: Redis did not answer.
        """
        try:
            if self._pubsub is None:
                self._pubsub = client().pubsub(ignore_subscribe_messages=True)
                self._pubsub.subscribe(*self._channels)
            self._pubsub.get_message(timeout=get_settings().block_ms / 1000)
            for _ in range(DRAIN_MAX):  # one look serves all who called until now
                if self._pubsub.get_message() is None:
                    break
        except REDIS_ERRORS as error:
            self.close()
            raise StreamUnavailable(f"Redis did not answer ({error}); nothing is lost.") from error

    def close(self) -> None:
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None


def _channel(context: str) -> str:
    return f"carveout:wake:{context}"
