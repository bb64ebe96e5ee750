"""The relay: gives committed events their positions and copies them to Redis."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from django.db import InterfaceError, OperationalError

from carveout import log, retention, stream
from carveout.conf import get_settings
from carveout.errors import HistoryGone, LogMismatch, StreamUnavailable
from carveout.event import Place
from carveout.failpoint import reach
from carveout.wake import Listener

logger = logging.getLogger(__name__)

NOTE_REPORTS_EVERY_S = 10.0
BATCHES_AT_ONCE = 4
"""A relay may move more at once than a consumer: one event never makes it repeat the others."""
DIVIDED = (
    "The log of %s is in %d partitions, the settings say %d. Say `manage.py repartition %s`, or"
    " change the settings."
)


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
        rows = log.rows(*place, start, limit)
    except HistoryGone:
        if log.extent(*place).first - 1 <= start:
            raise
        return 0  # pruned meanwhile; the next call begins behind it
    reach("relay: read")
    accepted = stream.append(place, extent.identity, rows, length)
    reach("relay: shipped")
    return accepted


def _rows_at_once() -> int:
    return get_settings().batch_rows * BATCHES_AT_ONCE


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


@contextmanager
def _noting(errors: list[Exception]) -> Iterator[None]:
    """One database's or server's trouble is not another's."""
    try:
        yield
    except (StreamUnavailable, OperationalError, InterfaceError) as error:
        errors.append(error)


class Relay:
    """Sequences and ships for the contexts that are hosted here."""

    def __init__(self, contexts: Iterable[str]) -> None:
        self._contexts = list(contexts)
        self._listener = Listener(self._contexts)
        self._checked: set[Place] = set()
        self._reports_noted_at = 0.0
        self._stopped: set[Place] = set()
        self._woken: set[str] = set()
        self._places: dict[str, list[Place]] = {}

    def start(self) -> None:
        """Say so if a log is divided otherwise than the settings say."""
        for context in self._contexts:
            with suppress(OperationalError, InterfaceError):
                wanted, found = (
                    get_settings().contexts[context].partitions,
                    log.partitions_of(context),
                )
                if wanted != found:
                    logger.warning(DIVIDED, context, found, wanted, context)

    def run_once(self) -> int:
        """Sequence once per context and ship once per partition. Returns: how much it did.

        Raises: StreamUnavailable: Redis did not answer; what was sequenced stays so.
                OperationalError, InterfaceError: a database did not answer.
        """
        done, errors = 0, list[Exception]()
        reports_due = time.monotonic() - self._reports_noted_at > NOTE_REPORTS_EVERY_S
        for context in self._contexts:
            with _noting(errors):
                done += self._sequence(context)
                for place in self._places_of(context):
                    with _noting(errors):
                        done += self._ship(place)
                        if reports_due:
                            retention.note_reports(place)
        if reports_due:
            self._reports_noted_at = time.monotonic()
        self._woken.clear()
        if errors:
            raise errors[0]
        return done

    def _places_of(self, context: str) -> list[Place]:
        """Those that are known will do when we were woken; we look again soon after."""
        if context not in self._woken or context not in self._places:
            self._places[context] = log.places_of([context])
        return self._places[context]

    def _sequence(self, context: str) -> int:
        if context not in self._woken and not log.unsequenced(context):
            return 0
        sequenced = log.sequence(context, _rows_at_once())
        reach("relay: sequenced")
        return sequenced

    def _ship(self, place: Place) -> int:
        try:
            if place not in self._checked:
                check_tail(place)
            shipped = ship(place, _rows_at_once())
        except (HistoryGone, LogMismatch) as error:
            self._report(place, error)
            return 0
        self._checked.add(place)
        self._stopped.discard(place)
        return shipped

    def _report(self, place: Place, error: HistoryGone | LogMismatch) -> None:
        """Say once that a partition stands still, and go on with the others."""
        if place not in self._stopped:
            logger.error("%s", error)
        self._stopped.add(place)

    def wait(self) -> None:
        """Return when something was published, or after the blocking period."""
        self._woken = self._listener.wait()

    def close(self) -> None:
        self._listener.close()
