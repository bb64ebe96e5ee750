"""The relay: gives committed events their positions and copies them to Redis."""

import logging
import time
from collections.abc import Iterable

from django.db import InterfaceError, OperationalError

from carveout import log, retention, stream
from carveout.conf import get_settings
from carveout.errors import HistoryGone, LogMismatch, StreamUnavailable
from carveout.event import Place
from carveout.failpoint import reach
from carveout.wake import Listener

logger = logging.getLogger(__name__)

NOTE_REPORTS_EVERY_S = 10.0


def ship(place: Place, limit: int) -> int:
    """Copy sequenced events that the stream lacks, in position order.

    Safe to run twice at once: Redis refuses an ID that it already has. A stream that Redis lost is
    filled again as far as it would reach back.

    Returns: how many entries Redis accepted.
    Raises: StreamUnavailable: Redis did not answer; nothing is lost, call again.
            LogMismatch: the stream belongs to another log.
    Source: https://redis.io/docs/latest/commands/xadd/
    """
    length = get_settings().stream_length
    last = stream.last_position(place)
    extent = log.extent(*place)  # after it: another relay may be at work, and the head only grows
    stream.check_not_ahead(place, last, extent.head)
    start = max(last, extent.head - length, extent.first - 1)
    if start == extent.head:
        return 0
    try:
        events = log.read(*place, start, limit)
    except HistoryGone:
        if log.extent(*place).first - 1 <= start:
            raise
        return 0  # pruned meanwhile; the next call begins behind it
    accepted = stream.append(place, extent.identity, events, length)
    reach("relay: shipped")
    return accepted


def check_tail(place: Place) -> None:
    """The newest entry of the stream has to be the log's event at that position.

    Raises: LogMismatch: it is another; the database was restored and has grown past it since.
    """
    position, event_id = stream.newest(place)
    try:
        events = log.read(*place, position - 1, 1) if event_id else []
    except HistoryGone:
        return
    if events and events[0].id != event_id:
        raise stream.mismatch(place, f"at position {position} it has another event")


class Relay:
    """Sequences and ships for the contexts that are hosted here."""

    def __init__(self, contexts: Iterable[str]) -> None:
        names = list(contexts)
        self._places = log.partitions_of(names)
        self._listener = Listener(names)
        self._checked: set[Place] = set()
        self._reports_noted_at = 0.0
        self._stopped: set[Place] = set()

    def start(self) -> None:
        pass

    def run_once(self) -> int:
        """Sequence and ship once per partition. Returns: how much it did.

        Raises: StreamUnavailable: Redis did not answer; what was sequenced stays so.
                OperationalError, InterfaceError: a database did not answer.
        """
        done, first_error = 0, None
        reports_due = time.monotonic() - self._reports_noted_at > NOTE_REPORTS_EVERY_S
        for place in self._places:
            try:
                done += self._run_partition(place)
                if reports_due:
                    retention.note_reports(place)
            except (StreamUnavailable, OperationalError, InterfaceError) as error:
                first_error = first_error or error  # one database's trouble is not another's
        if reports_due:
            self._reports_noted_at = time.monotonic()
        if first_error:
            raise first_error
        return done

    def _run_partition(self, place: Place) -> int:
        limit = get_settings().batch_rows
        sequenced = log.sequence(*place, limit) if log.unsequenced(*place) else 0
        if sequenced:
            reach("relay: sequenced")
        try:
            if place not in self._checked:
                check_tail(place)
            shipped = ship(place, limit)
        except (HistoryGone, LogMismatch) as error:
            self._report(place, error)
            return sequenced
        self._checked.add(place)
        self._stopped.discard(place)
        return sequenced + shipped

    def _report(self, place: Place, error: HistoryGone | LogMismatch) -> None:
        """Say once that a partition stands still, and go on with the others."""
        if place not in self._stopped:
            logger.error("%s", error)
        self._stopped.add(place)

    def wait(self) -> None:
        """Return when something was published, or after the blocking period."""
        self._listener.wait()

    def close(self) -> None:
        self._listener.close()
