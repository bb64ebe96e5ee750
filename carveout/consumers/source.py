"""Reads a consumer's events from the stream, and from the log where the stream has a gap."""

import logging
import time
from typing import Protocol
from uuid import UUID

from carveout.conf import get_settings
from carveout.errors import HistoryGone, LogMismatch, LookupFailed
from carveout.eventlog import remote
from carveout.events.event import PartitionRef, ReceivedEvent
from carveout.redis import streams
from carveout.subscriptions.cursors import CursorPosition

logger = logging.getLogger(__name__)

VERIFIED_MAX = 1_000
"""How many verified cursors are remembered; a forgotten one costs a query."""
ASK_EVERY_S = 10.0
"""How often a log in another deployment is checked for the handled events."""


class EventSource(Protocol):
    """Provides the events of one partition."""

    def read(self, after: CursorPosition, limit: int) -> list[ReceivedEvent]:
        """Events after a position, in order and without a gap."""


class StreamSource:
    """The stream of a partition, repaired from the owner's log."""

    def __init__(self, subscriber: str, ref: PartitionRef) -> None:
        self._subscriber = subscriber
        self._ref = ref
        self._mark = b""
        self._verified: set[tuple[int, UUID | None]] = set()
        self._new, self._asked_at = True, 0.0
        self._is_behind = False
        """Whether the next events were last missing from the stream, so that the log has them."""

    def read(self, after: CursorPosition, limit: int) -> list[ReceivedEvent]:
        """Raises: StreamUnavailable, LookupUnavailable: call again.
        HistoryGone: neither stream nor log has the next event.
        LogMismatch: the log is not the one that this cursor moved in, or that fills the stream.
        """
        events = self._next(after, limit)
        self._verify(after)
        if not events and streams.last_position(self._ref) > after.position:
            self._is_behind = True
            events = self._next(after, limit)  # events added between the two reads are not a gap
            if not events:
                return self._read_log(after, limit)
        if events:
            self._compare(events[-1])
            self._verified.add((events[-1].position, events[-1].id))
        return events

    def _read_log(self, after: CursorPosition, limit: int) -> list[ReceivedEvent]:
        logger.info("%s: gap after %d, reading the log", self._ref, after.position)
        verify(self._subscriber, self._ref, after)
        return remote.read(self._subscriber, self._ref, after.position, limit)

    def _next(self, after: CursorPosition, limit: int) -> list[ReceivedEvent]:
        """The next events, if the stream has them. While it does not, read no more than one."""
        if self._is_behind and not self._read(after, 1):
            return []
        self._is_behind = False
        return self._read(after, limit)

    def _read(self, after: CursorPosition, limit: int) -> list[ReceivedEvent]:
        """Read entries; discard them if the stream was recreated: they may be from the old one."""
        events, mark = streams.read(self._ref, after.position, limit)
        if mark == self._mark:
            return events
        streams.check_not_stopped(self._ref, mark)
        last = streams.last_position(self._ref)
        if mark:
            owner = remote.log_range(self._subscriber, self._ref)
            streams.check_mark(self._ref, mark, owner.identity)
        events, again = streams.read(self._ref, after.position, limit)
        if again != mark:
            return []
        if mark:
            streams.check_not_ahead(self._ref, last, owner.head)
        self._mark, self._verified, self._new = mark, set(), True
        return events

    def _compare(self, event: ReceivedEvent) -> None:
        """Check that the log has what was read, if moving the cursor does not check that itself.

        A log in another deployment can't be asked each time: its readers would stop whenever it
        is down.
        """
        settings = get_settings()
        if settings.hosts(self._ref.context):
            database = settings.database_of(self._subscriber)
            if settings.database_of(self._ref.context) != database:
                compare(self._subscriber, self._ref, event)
            return
        if not self._new and time.monotonic() - self._asked_at < ASK_EVERY_S:
            return
        try:
            compare(self._subscriber, self._ref, event)
        except LookupFailed:
            if self._new:
                raise
            logger.info("%s: its owner can't be reached, continuing unchecked", self._ref)
        self._new, self._asked_at = False, time.monotonic()

    def _verify(self, at: CursorPosition) -> None:
        """Check once per position and stream that the log holds what the cursor handled."""
        if at[:2] in self._verified:
            return
        verify(self._subscriber, self._ref, at)
        if len(self._verified) > VERIFIED_MAX:
            self._verified.clear()
        self._verified.add(at[:2])


class LogSource:
    """Reads the log itself: for delivery in process, without Redis."""

    def __init__(self, subscriber: str, ref: PartitionRef) -> None:
        self._subscriber = subscriber
        self._ref = ref

    def read(self, after: CursorPosition, limit: int) -> list[ReceivedEvent]:
        """Raises: HistoryGone: the log no longer has the next event."""
        return remote.read(self._subscriber, self._ref, after.position, limit)


def compare(subscriber: str, ref: PartitionRef, event: ReceivedEvent) -> None:
    """Make sure that the owner's log has an event that was read from the stream.

    Raises: LogMismatch: it has another one there, or none.
            LookupFailed: the owner did not answer.
    """
    try:
        found = remote.read(subscriber, ref, event.position - 1, 1)
    except HistoryGone:
        return  # pruned, so every known cursor has passed it
    if not found or found[0].id != event.id:
        raise streams.mismatch(ref, f"at position {event.position} it has another event")


def verify(subscriber: str, ref: PartitionRef, at: CursorPosition) -> None:
    """Make sure that the owner's log still holds what a cursor handled last.

    Raises: LogMismatch: it holds another event there, or ends before.
    """
    if at.event_id is None:
        return
    try:
        events = remote.read(subscriber, ref, at.position - 1, 1)
    except HistoryGone:
        return  # pruned, so it was the same log
    if events and events[0].id == at.event_id:
        return
    found = f"holds another event at position {at.position}" if events else "ends before"
    raise LogMismatch(
        f"{ref}: {subscriber} has handled up to position {at.position}, but the log"
        f" {found}. The database of {ref.context} was restored or recreated. Run `manage.py replay"
        " SUBSCRIPTION --from POSITION`. POSITION is the last position that both have in common,"
        " plus 1; or 1 if the log is new."
    )
