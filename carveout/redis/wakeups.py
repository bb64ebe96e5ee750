"""Wakes the relay when events are published; if a wake-up gets lost, the relay polls.

On a cluster the relay wakes consumers in the same way: one command can't wait for streams in
several slots.
"""

from collections.abc import Callable, Iterable
from typing import Any

from carveout.conf import get_settings
from carveout.redis import keys
from carveout.redis.client import REDIS_ERRORS, pubsub
from carveout.redis.fire_and_forget import send
from carveout.redis.refusals import unavailable

STORED = "The event is stored; the relay delivers it when Redis is back."
DRAIN_MAX = 10_000
"""How many wake-ups one round may serve."""


def notify_relay(context: str) -> None:
    """Announce new events in a context's log. A lost wake-up costs a second."""
    send("PUBLISH", keys.log_channel(context), b"", kept=STORED)


class WakeupListener:
    """Waits for new events of some contexts, in their logs or in their streams."""

    def __init__(
        self, contexts: Iterable[str], channel: Callable[[str], str] = keys.log_channel
    ) -> None:
        self._contexts = {channel(context).encode(): context for context in contexts}
        self._pubsub: Any = None

    def wait(self, at_most_s: float | None = None) -> set[str]:
        """Return when one was woken, or after this time; default: the blocking period.

        Returns: the contexts with new events.
        Raises: StreamUnavailable: Redis did not answer.
        """
        woken: set[str] = set()
        timeout_s = get_settings().block_ms / 1000 if at_most_s is None else at_most_s
        try:
            if self._pubsub is None:
                self._pubsub = pubsub()
                self._pubsub.subscribe(*self._contexts)
            for _ in range(DRAIN_MAX):  # one round serves all wake-ups until now
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
