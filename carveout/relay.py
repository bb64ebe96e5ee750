"""The relay: gives committed events their positions and copies them to Redis."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from django.db import Error

from carveout import database, log, retention, sequencer, stream, tally
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
from carveout.sequencer import Fresh
from carveout.wake import Listener

logger = logging.getLogger(__name__)

NOTE_REPORTS_EVERY_S = 10.0
THOROUGH_EVERY_S = 1.0
BATCHES_AT_ONCE = 4
"""A relay may move more at once than a consumer: one event never makes it repeat the others."""
DAMAGED = (
    "%s: the newest entry, position %d, can't be compared with the log: it was deleted, is no event"
    " of ours, or was pruned from the log. The stream is filled again from the log."
)
DIVIDED = (
    "The log of %s is in %d partitions, the settings say %d. Run `manage.py repartition %s`, or"
    " change the settings."
)


def ship(place: Place, limit: int) -> int:
    """Copy sequenced events that the stream lacks, in position order.

    Safe to run twice at once: entries are added only behind the one that was seen. A stream that
    Redis lost is filled again as far as it would reach back, and so is one whose newest entry is
    lost or is no event.

    Returns: how many entries Redis accepted.
    Raises: StreamUnavailable: Redis did not answer; nothing is lost, call again.
            LogMismatch: the stream belongs to another log, or the partition has stopped.
    Source: https://redis.io/docs/latest/commands/xadd/
    """
    tail, extent = compare(place)
    if not tail.is_whole or (extent.is_kept and not is_comparable(tail, extent)):
        logger.warning(DAMAGED, stream.key(place), tail.last)
        if not stream.restart(place, extent.identity, tail.mark):
            return 0
        tail = stream.Tail()
    length = get_settings().stream_length
    start = max(tail.last, extent.head - length, extent.first - 1)
    if start == extent.head:
        return 0
    try:
        rows = log.rows(*place, start, limit)
    except HistoryGone:
        if log.extent(*place).first - 1 <= start:
            raise
        return 0  # pruned meanwhile; the next call begins behind it
    reach("relay: read")
    accepted = stream.append(place, extent.identity, rows, length, tail[:2])
    reach("relay: shipped")
    return max(accepted, 0)  # another relay may have been first


def _rows_at_once() -> int:
    return get_settings().batch_rows * BATCHES_AT_ONCE


def compare(place: Place) -> tuple[stream.Tail, log.Extent]:
    """Where a stream ends, and what its log holds, if the one is a copy of the other.

    Raises: LogMismatch: it is not, or the partition has stopped.
            StreamUnavailable: Redis did not answer.
    """
    tail = stream.tail(place)
    # After it: another relay may be at work, and the head only grows.
    extent = log.extent(*place, tail.position)
    if extent.stopped_why:
        raise LogMismatch(extent.stopped_why)
    if tail.mark:
        stream.check_mark(place, tail.mark, extent.identity)
    if tail.is_whole:
        stream.check_not_ahead(place, tail.last, extent.head)
        if is_comparable(tail, extent) and extent.event_id != tail.event_id:
            raise stream.mismatch(place, f"at position {tail.position} it has another event")
    return tail, extent


def is_comparable(tail: stream.Tail, extent: log.Extent) -> bool:
    """Does the log still have its event at the stream's end? It does unless that was pruned."""
    return not tail.position or extent.event_id is not None


def stop(place: Place) -> LogMismatch | None:
    """Let a partition stand until there is a new epoch, if its stream is not its log's.

    For good, so it looks again: what was found before may have been an epoch that just began. It
    counts if there was none since the head row was read.

    Returns: why it stands; None if it does not.
    """
    head = log.head_of(*place)
    try:
        compare(place)
    except LogMismatch as found:
        if log.stop(head, str(found)):
            stream.stop(place, head.identity)
            return found
    return None


@contextmanager
def _noting(errors: list[Exception]) -> Iterator[None]:
    """One database's or server's trouble is not another's."""
    try:
        yield
    except (StreamUnavailable, Error) as error:
        errors.append(error)
        database.drop_unusable()


class Relay:
    """Sequences and ships for the contexts that are hosted here."""

    def __init__(self, contexts: Iterable[str]) -> None:
        self._contexts = list(contexts)
        self._listener = Listener(self._contexts)
        self._stopped: dict[Place, str] = {}
        """Why partitions stand, as it was reported."""
        self._woken: set[str] = set()
        self._refreshed: set[str] = set()
        """Contexts of which the last round shipped what was new, and had nothing else to do."""
        self._thorough_at = self._reports_noted_at = 0.0

    def start(self) -> None:
        """Say so if a log is divided otherwise than the settings say."""
        for context in self._contexts:
            with suppress(Error):
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
                Error: a database did not answer.
        """
        done, errors = 0, list[Exception]()
        deployed.keep_telling(self._contexts)
        chosen, thorough = self._choose()
        refreshed, again = set[str](), False
        for context in chosen:
            with _noting(errors):
                fresh = self._sequence(context)
                done += (new := sum(len(each.rows) for each in fresh.values()))
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

    def _sequence(self, context: str) -> dict[int, Fresh]:
        if context not in self._woken and not sequencer.unsequenced(context):
            return {}
        fresh = sequencer.give_positions(context, _rows_at_once())
        reach("relay: sequenced")
        for type_, logged in Counter(
            row.type for each in fresh.values() for row in each.rows
        ).items():
            tally.count("logged", type_, logged)
        return fresh

    def _ship_all(
        self, context: str, fresh: dict[int, Fresh], thorough: bool, errors: list[Exception]
    ) -> int:
        """Returns: how much was shipped that was not fresh."""
        places = log.places_of([context]) if thorough else [(context, each) for each in fresh]
        late = 0
        for place in places:
            with _noting(errors):
                new = fresh.get(place[1])
                if not (new and self._ship_fresh(place, new)):
                    late += self._ship(place)
        return late

    def _ship_fresh(self, place: Place, fresh: Fresh) -> bool:
        """Ship what was just sequenced, if the stream ends right before. Returns: did it?"""
        if fresh.is_stopped or fresh.before is None:
            return False
        reach("relay: read")
        after, length = fresh.rows[0].position - 1, get_settings().stream_length
        try:
            accepted = stream.append(
                place, fresh.identity, fresh.rows, length, (after, fresh.before)
            )
        except (
            LogMismatch,
            StreamSpoiled,
        ):  # there was an epoch, or another mark is wrong: look closely
            return False
        reach("relay: shipped")
        return accepted >= 0

    def _ship(self, place: Place) -> int:
        try:
            shipped = ship(place, _rows_at_once())
        except (HistoryGone, StreamSpoiled) as error:
            self._report(place, error)
            return 0
        except LogMismatch:
            if stopped := stop(place):
                self._report(place, stopped)
            return 0
        self._stopped.pop(place, None)
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
        if str(error) != self._stopped.get(place):
            logger.error("%s", error)
        self._stopped[place] = str(error)

    def wait(self) -> None:
        """Return when something was published, or after the blocking period."""
        tally.flush()
        self._woken = self._listener.wait()

    def close(self) -> None:
        tally.flush()
        self._listener.close()
