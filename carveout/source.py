"""Where a consumer's events come from: the stream, and the log where the stream has a gap."""

import logging
import time
from typing import Protocol
from uuid import UUID

from carveout import history, stream
from carveout.conf import get_settings
from carveout.cursor import At
from carveout.errors import HistoryGone, LogMismatch, LookupFailed
from carveout.event import Place, ReceivedEvent

logger = logging.getLogger(__name__)

VERIFIED_MAX = 1_000
"""Verified cursors that are remembered; one that was forgotten costs a query."""
ASK_EVERY_S = 10.0
"""How often a log in another deployment is asked whether it has what is handled."""


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
        self._verified: set[tuple[int, UUID | None]] = set()
        self._new, self._asked_at = True, 0.0

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
                return self._read_log(after, limit)
        if events:
            self._compare(events[-1])
            self._verified.add((events[-1].position, events[-1].id))
        return events

    def _read_log(self, after: At, limit: int) -> list[ReceivedEvent]:
        logger.info("%s.%s: gap after %d, reading the log", *self._place, after.position)
        verify(self._subscriber, self._place, after)
        return history.read(self._subscriber, self._place, after.position, limit)

    def _read(self, after: At, limit: int) -> list[ReceivedEvent]:
        """What is read while the stream is begun anew may be of the old one: it does not count."""
        events, mark = stream.read(self._place, after.position, limit)
        if mark == self._mark:
            return events
        stream.check_not_stopped(self._place, mark)
        last = stream.last_position(self._place)
        if mark:
            owner = history.extent(self._subscriber, self._place)
            stream.check_mark(self._place, mark, owner.identity)
        events, again = stream.read(self._place, after.position, limit)
        if again != mark:
            return []
        if mark:
            stream.check_not_ahead(self._place, last, owner.head)
        self._mark, self._verified, self._new = mark, set(), True
        return events

    def _compare(self, event: ReceivedEvent) -> None:
        """Does the log have what was read? Where the cursor lives beside it, its move checks that.

        A log in another deployment can't be asked each time: its readers would stand still whenever
        it is down.
        """
        settings = get_settings()
        if settings.hosts(self._place[0]):
            database = settings.database_of(self._subscriber)
            if settings.database_of(self._place[0]) != database:
                compare(self._subscriber, self._place, event)
            return
        if not self._new and time.monotonic() - self._asked_at < ASK_EVERY_S:
            return
        try:
            compare(self._subscriber, self._place, event)
        except LookupFailed:
            if self._new:
                raise
            logger.info("%s.%s: its owner can't be asked, going on", *self._place)
        self._new, self._asked_at = False, time.monotonic()

    def _verify(self, at: At) -> None:
        """Once per position and stream: does the log hold what the cursor handled?"""
        if at[:2] in self._verified:
            return
        verify(self._subscriber, self._place, at)
        if len(self._verified) > VERIFIED_MAX:
            self._verified.clear()
        self._verified.add(at[:2])


class LogSource:
    """The log itself: for delivery in process, without Redis."""

    def __init__(self, subscriber: str, place: Place) -> None:
        self._subscriber = subscriber
        self._place = place

    def read(self, after: At, limit: int) -> list[ReceivedEvent]:
        """Raises: HistoryGone: the log no longer has what comes next."""
        return history.read(self._subscriber, self._place, after.position, limit)


def compare(subscriber: str, place: Place, event: ReceivedEvent) -> None:
    """Make sure that the owner's log has an event that was read from the stream.

    Raises: LogMismatch: it has another one there, or none.
            LookupFailed: the owner did not answer.
    """
    try:
        found = history.read(subscriber, place, event.position - 1, 1)
    except HistoryGone:
        return  # pruned: every cursor that is known has passed it
    if not found or found[0].id != event.id:
        raise stream.mismatch(place, f"at position {event.position} it has another event")


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
