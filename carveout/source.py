"""Where a consumer's events come from: the stream, and the log where the stream has a gap."""

import logging
import time
from typing import Protocol

from carveout import history, stream
from carveout.errors import LogMismatch
from carveout.event import ReceivedEvent
from carveout.stream import Place

logger = logging.getLogger(__name__)

CHECK_LOG_EVERY_S = 10.0


class Source(Protocol):
    """Gives the events of one partition."""

    def read(self, after: int, limit: int) -> list[ReceivedEvent]:
        """Events after a position, in order and without a gap."""


class StreamSource:
    """The stream of a partition, repaired from the owner's log."""

    def __init__(self, subscriber: str, place: Place) -> None:
        self._subscriber = subscriber
        self._place = place
        self._checked_at = 0.0

    def read(self, after: int, limit: int) -> list[ReceivedEvent]:
        """Raises: StreamUnavailable, LookupUnavailable: call again.
        HistoryGone: neither stream nor log has what comes next.
        LogMismatch: the log ends before `after`.
        """
        events = stream.read(self._place, after, limit)
        if events:
            return events
        last = stream.last_position(self._place)
        if last > after:
            logger.info("%s.%s: gap after %d, reading the log", *self._place, after)
            return history.read(self._subscriber, self._place, after, limit)
        if last < after:
            self._check_log(after)
        return []

    def _check_log(self, after: int) -> None:
        """The stream is behind the cursor: Redis lost its tail, or the log is another one."""
        if time.monotonic() - self._checked_at < CHECK_LOG_EVERY_S:
            return
        self._checked_at = time.monotonic()
        head = history.extent(self._subscriber, self._place).head
        if head < after:
            raise LogMismatch(
                f"{self._place[0]}.{self._place[1]}: the log ends at position {head}, but"
                f" {self._subscriber} has handled {after}. The owner's database was restored or"
                " created anew; move the cursors of its subscribers back to where it ends."
            )


class LogSource:
    """The log itself: for delivery in process, without Redis."""

    def __init__(self, subscriber: str, place: Place) -> None:
        self._subscriber = subscriber
        self._place = place

    def read(self, after: int, limit: int) -> list[ReceivedEvent]:
        """Raises: HistoryGone: the log no longer has what comes next."""
        return history.read(self._subscriber, self._place, after, limit)
