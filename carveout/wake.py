"""Wake-up: publishers tell the relay at once; if that gets lost, it looks by itself.

On a cluster the relay tells consumers in the same way: one command can't wait for streams that are
in several slots.
"""

from collections.abc import Callable, Iterable
from typing import Any

from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS, pubsub
from carveout.errors import StreamUnavailable
from carveout.notice import tell

DRAIN_MAX = 10_000
"""Wake-ups that one look may serve."""


def wake_relay(context: str) -> None:
    """Say that there is something new in a context's log. If it gets lost, a second is lost."""
    tell("PUBLISH", _log_channel(context), b"")


def stream_channel(context: str) -> str:
    """Where the relay says that there is something new in a context's streams."""
    return f"carveout:news:{context}"


def _log_channel(context: str) -> str:
    return f"carveout:wake:{context}"


class Listener:
    """Waits for news of some contexts: in their logs, or in their streams."""

    def __init__(
        self, contexts: Iterable[str], channel: Callable[[str], str] = _log_channel
    ) -> None:
        self._channels = [channel(context) for context in contexts]
        self._pubsub: Any = None

    def wait(self) -> None:
        """Return when one was woken, or after the blocking period.

        Raises: StreamUnavailable: Redis did not answer.
        """
        try:
            if self._pubsub is None:
                self._pubsub = pubsub()
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
