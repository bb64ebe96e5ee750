"""Wake-up: publishers tell the relay at once; if that gets lost, it looks by itself."""

import logging
import time
from collections.abc import Iterable
from typing import Any

from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS, client, impatient_client
from carveout.errors import StreamUnavailable

logger = logging.getLogger(__name__)

KEEP_QUIET_S = 5.0
"""How long nobody is woken after Redis did not answer."""

_quiet_until = 0.0


def wake_relay(context: str) -> None:
    """Say that there is something new in a context's log. Never fails, hardly waits."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        impatient_client().publish(_channel(context), b"")
    except REDIS_ERRORS as error:
        _quiet_until = time.monotonic() + KEEP_QUIET_S
        logger.warning("relay not woken, Redis did not answer: %s", error)


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
        except REDIS_ERRORS as error:
            self.close()
            raise StreamUnavailable(f"Redis did not answer ({error}); nothing is lost.") from error

    def close(self) -> None:
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None


def _channel(context: str) -> str:
    return f"carveout:wake:{context}"
