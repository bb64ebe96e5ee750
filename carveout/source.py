"""Where a consumer's events come from: the stream, and the log where the stream has a gap."""

import logging
from typing import Protocol

from carveout import history, stream
from carveout.cursor import At
from carveout.errors import HistoryGone, LogMismatch
from carveout.event import Place, ReceivedEvent

logger = logging.getLogger(__name__)

VERIFIED_MAX = 1_000
"""Verified positions that are remembered; one that was forgotten costs a query."""


class Source(Protocol):
    """Gives the events of one partition."""

    def read(self, after: At, limit: int) -> list[ReceivedEvent]:
        """Events after a position, in order and without a gap."""


class StreamSource:
    """The stream of a partition, repaired from the owner's log."""

    def __init__(self, subscriber: str, place: Place) -> None:
        self._subscriber = subscriber
        self._place = place
        self._mark = b""
        self._verified: set[int] = set()

    def read(self, after: At, limit: int) -> list[ReceivedEvent]:
        """Raises: StreamUnavailable, LookupUnavailable: call again.
        HistoryGone: neither stream nor log has what comes next.
        LogMismatch: the log is not the one that this cursor moved in, or that fills the stream.
        """
        events = self._read(after, limit)
        self._verify(after)
        if not events and stream.last_position(self._place) > after.position:
            events = self._read(after, limit)  # what came between the two looks is no gap
            if not events:
                logger.info("%s.%s: gap after %d, reading the log", *self._place, after.position)
                events = history.read(self._subscriber, self._place, after.position, limit)
        if events:
            self._verified.add(events[-1].position)
        return events

    def _read(self, after: At, limit: int) -> list[ReceivedEvent]:
        """What is read while the stream is begun anew may be of the old one: it does not count."""
        events, mark = stream.read(self._place, after.position, limit)
        if mark == self._mark:
            return events
        if mark:
            owner = history.extent(self._subscriber, self._place)
            stream.check_mark(self._place, mark, owner.identity)
        self._mark, self._verified = mark, set()
        events, mark = stream.read(self._place, after.position, limit)
        return events if mark == self._mark else []

    def _verify(self, at: At) -> None:
        """Once per position and stream: does the log hold what the cursor handled?"""
        if at.position in self._verified:
            return
        verify(self._subscriber, self._place, at)
        if len(self._verified) > VERIFIED_MAX:
            self._verified.clear()
        self._verified.add(at.position)


class LogSource:
    """The log itself: for delivery in process, without Redis."""

    def __init__(self, subscriber: str, place: Place) -> None:
        self._subscriber = subscriber
        self._place = place

    def read(self, after: At, limit: int) -> list[ReceivedEvent]:
        """Raises: HistoryGone: the log no longer has what comes next."""
        return history.read(self._subscriber, self._place, after.position, limit)


def verify(subscriber: str, place: Place, at: At) -> None:
    """Make sure that the owner's log still holds what a cursor handled last.

    Raises: LogMismatch: it holds another event there, or ends before.
    """
    if at.event_id is None:
        return
    try:
        events = history.read(subscriber, place, at.position - 1, 1)
    except HistoryGone:
        return  # pruned: it was the same log then
    if events and events[0].id == at.event_id:
        return
    found = f"holds another event at position {at.position}" if events else "ends before"
    raise LogMismatch(
        f"{place[0]}.{place[1]}: {subscriber} has handled up to position {at.position}, but the log"
        f" {found}. The database of {place[0]} was restored or created anew. Say `manage.py replay"
        " SUBSCRIPTION --from POSITION` with the last position that both have in common, plus 1,"
        " or 1 if the log is new."
    )
