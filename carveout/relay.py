"""The relay: gives committed events their positions and copies them to Redis."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from django.db import InterfaceError, OperationalError

from carveout import log, retention, sequencer, stream, tally
from carveout.conf import get_settings
from carveout.contracts import deployed
from carveout.errors import (
    CarveoutError,
    HistoryGone,
    LogMismatch,
    StreamSpoiled,
    StreamUnavailable,
)
from carveout.event import Place
from carveout.failpoint import reach
from carveout.row import Row
from carveout.wake import Listener

logger = logging.getLogger(__name__)

NOTE_REPORTS_EVERY_S = 10.0
THOROUGH_EVERY_S = 1.0
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
        self._identities: dict[Place, str] = {}
        """Of the logs whose streams were found to be theirs."""
        self._stopped: set[Place] = set()
        self._woken: set[str] = set()
        self._refreshed: set[str] = set()
        """Contexts of which the last round shipped what was new, and had nothing else to do."""
        self._thorough_at = self._reports_noted_at = 0.0

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

        A round that was woken looks only for what is new where it was woken, and so does the one
        after it.

        Raises: StreamUnavailable: Redis did not answer; what was sequenced stays so.
                OperationalError, InterfaceError: a database did not answer.
        """
        done, errors = 0, list[Exception]()
        deployed.keep_telling(self._contexts)
        chosen, thorough = self._choose()
        refreshed, again = set[str](), False
        for context in chosen:
            with _noting(errors):
                fresh = self._sequence(context)
                done += (new := sum(map(len, fresh.values())))
                late = self._ship_all(context, fresh, thorough, errors)
                done += late
                again = again or late > 0
                if new:
                    refreshed.add(context)
        self._woken = set()
        self._refreshed = set() if again or errors else refreshed
        self._note_reports(errors)
        if errors:
            raise errors[0]
        return done

    def _choose(self) -> tuple[list[str], bool]:
        """Which contexts this round looks at, and whether at all of their partitions."""
        news = self._woken | self._refreshed
        if news and time.monotonic() - self._thorough_at < THOROUGH_EVERY_S:
            return [context for context in self._contexts if context in news], False
        self._thorough_at = time.monotonic()
        return self._contexts, True

    def _sequence(self, context: str) -> dict[int, list[Row]]:
        if context not in self._woken and not sequencer.unsequenced(context):
            return {}
        fresh = sequencer.give_positions(context, _rows_at_once())
        reach("relay: sequenced")
        for type_, logged in Counter(row.type for rows in fresh.values() for row in rows).items():
            tally.count("logged", type_, logged)
        return fresh

    def _ship_all(
        self, context: str, fresh: dict[int, list[Row]], thorough: bool, errors: list[Exception]
    ) -> int:
        """Returns: how much was shipped that was not fresh."""
        places = log.places_of([context]) if thorough else [(context, each) for each in fresh]
        late = 0
        for place in places:
            with _noting(errors):
                rows = fresh.get(place[1])
                if not (rows and self._ship_fresh(place, rows)):
                    late += self._ship(place)
        return late

    def _ship_fresh(self, place: Place, rows: list[Row]) -> bool:
        """Ship what was just sequenced, if the stream ends right before. Returns: did it?"""
        identity, length = self._identities.get(place), get_settings().stream_length
        if identity is None:
            return False
        reach("relay: read")
        try:
            accepted = stream.append(place, identity, rows, length, after=rows[0].position - 1)
        except (LogMismatch, StreamSpoiled):  # an epoch, or a wrong mark: look closely
            del self._identities[place]
            return False
        reach("relay: shipped")
        return accepted >= 0

    def _ship(self, place: Place) -> int:
        try:
            if place not in self._identities:
                check_tail(place)
            shipped = ship(place, _rows_at_once())
        except (HistoryGone, LogMismatch, StreamSpoiled) as error:
            self._report(place, error)
            return 0
        if place not in self._identities:
            self._identities[place] = log.extent(*place).identity
        self._stopped.discard(place)
        return shipped

    def _note_reports(self, errors: list[Exception]) -> None:
        if time.monotonic() - self._reports_noted_at < NOTE_REPORTS_EVERY_S:
            return
        self._reports_noted_at = time.monotonic()
        for place in log.places_of(self._contexts):
            with _noting(errors):
                retention.note_reports(place)

    def _report(self, place: Place, error: CarveoutError) -> None:
        """Say once that a partition stands still, and go on with the others."""
        if place not in self._stopped:
            logger.error("%s", error)
        self._stopped.add(place)

    def wait(self) -> None:
        """Return when something was published, or after the blocking period."""
        tally.flush()
        self._woken = self._listener.wait()

    def close(self) -> None:
        tally.flush()
        self._listener.close()
