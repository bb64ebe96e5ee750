"""Wake-up: publishers tell the relay at once; if that gets lost, it looks by itself.

On a cluster the relay tells consumers in the same way: one command can't wait for streams that are
in several slots.
"""

from collections.abc import Callable, Iterable
from typing import Any

from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS, pubsub
from carveout.notice import tell
from carveout.refusal import unavailable

STORED = "The event is stored; the relay delivers it when Redis is back."
DRAIN_MAX = 10_000
"""Wake-ups that one look may serve."""


def wake_relay(context: str) -> None:
    """Say that there is something new in a context's log. If it gets lost, a second is lost."""
    tell("PUBLISH", _log_channel(context), b"", kept=STORED)


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
        self._contexts = {channel(context).encode(): context for context in contexts}
        self._pubsub: Any = None

    def wait(self) -> set[str]:
        """Return when one was woken, or after the blocking period.

        Returns: the contexts that there is news of.
        Raises: StreamUnavailable: Redis did not answer.
        """
        woken: set[str] = set()
        timeout_s = get_settings().block_ms / 1000
        try:
            if self._pubsub is None:
                self._pubsub = pubsub()
                self._pubsub.subscribe(*self._contexts)
            for _ in range(DRAIN_MAX):  # one look serves all who called until now
                message = self._pubsub.get_message(timeout=0 if woken else timeout_s)
                if message is None:
                    break
                woken.add(self._contexts[message["channel"]])
        except REDIS_ERRORS as error:
            self.close()
            raise unavailable(error) from error
        return woken

    def close(self) -> None:
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None
