"""The relay: gives committed events their positions and copies them to Redis."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from django.db import Error

from carveout.conf import get_settings
from carveout.errors import (
    CarveoutError,
    HistoryGone,
    LogMismatch,
    StreamSpoiled,
    StreamUnavailable,
)
from carveout.eventlog import reader, retention, sequencer
from carveout.eventlog.sequencer import Fresh
from carveout.events.event import PartitionRef
from carveout.redis import keys, streams
from carveout.redis.wakeups import WakeupListener
from carveout.runtime import databases
from carveout.runtime.failpoints import reach
from carveout.telemetry import instrumentation

logger = logging.getLogger(__name__)

STORE_REPORTS_EVERY_S = 10.0
THOROUGH_EVERY_S = 1.0
BATCHES_AT_ONCE = 4
"""Larger than a consumer's batch: one event never makes a relay repeat the others."""
DAMAGED = (
    "%s: the newest entry, position %d, can't be compared with the log: it was deleted, is not an"
    " event of Carveout, or was pruned from the log. The stream is filled again from the log."
)
DIVIDED = (
    "The log of %s has %d partitions, but the settings have %d. Run `manage.py repartition %s`, or"
    " change the settings."
)


def ship(ref: PartitionRef, limit: int) -> int:
    """Copy sequenced events that the stream lacks, in position order.

    Safe to run twice at once: entries are added only after the one that was seen. A stream that
    Redis lost is filled again, up to its normal length; so is one whose newest entry is lost or is
    not an event.

    Returns: how many entries Redis accepted.
    Raises: StreamUnavailable: Redis did not answer; nothing is lost, call again.
            LogMismatch: the stream belongs to another log, or the partition has stopped.
    Source: https://redis.io/docs/latest/commands/xadd/
    """
    tail, log_range = compare(ref)
    if not tail.is_whole or (log_range.is_kept and not is_comparable(tail, log_range)):
        logger.warning(DAMAGED, keys.stream(ref), tail.last)
        if not streams.restart(ref, log_range.identity, tail.mark):
            return 0
        tail = streams.Tail()
    length = get_settings().stream_length
    start = max(tail.last, log_range.head - length, log_range.first - 1)
    if start == log_range.head:
        return 0
    try:
        rows = reader.rows(*ref, start, limit)
    except HistoryGone:
        if reader.log_range(*ref).first - 1 <= start:
            raise
        return 0  # pruned meanwhile; the next call starts after it
    reach("relay: read")
    accepted = streams.append(ref, log_range.identity, rows, length, tail[:2])
    reach("relay: shipped")
    return max(accepted, 0)  # another relay may have been first


def _rows_at_once() -> int:
    return get_settings().batch_rows * BATCHES_AT_ONCE


def compare(ref: PartitionRef) -> tuple[streams.Tail, reader.LogRange]:
    """Where a stream ends, and what its log holds.

    Raises: LogMismatch: the stream is not a copy of the log, or the partition has stopped.
            StreamUnavailable: Redis did not answer.
    """
    tail = streams.tail(ref)
    # After it: another relay may be at work, and the head only grows.
    log_range = reader.log_range(*ref, tail.position)
    if log_range.stopped_why:
        raise LogMismatch(log_range.stopped_why)
    if tail.mark:
        streams.check_mark(ref, tail.mark, log_range.identity)
    if tail.is_whole:
        streams.check_not_ahead(ref, tail.last, log_range.head)
        if is_comparable(tail, log_range) and log_range.event_id != tail.event_id:
            raise streams.mismatch(ref, f"at position {tail.position} it has another event")
    return tail, log_range


def is_comparable(tail: streams.Tail, log_range: reader.LogRange) -> bool:
    """Whether the log still has the event at the stream's end; false if it was pruned."""
    return not tail.position or log_range.event_id is not None


def stop(ref: PartitionRef) -> LogMismatch | None:
    """Stop a partition until there is a new epoch, if its stream does not match its log.

    A stop is lasting, so it checks again: an epoch may just have begun. The mismatch counts if no
    epoch began since the head row was read.

    Returns: why it is stopped; None if it is not.
    """
    head = reader.head_row(*ref)
    try:
        compare(ref)
    except LogMismatch as found:
        if reader.stop(head, str(found)):
            streams.stop(ref, head.identity)
            return found
    return None


def _to_check(contexts: Sequence[str], database: str) -> list[PartitionRef]:
    """The partitions whose stream does not end exactly as their log does.

    In one statement and one round trip for all of them: a relay asks each second.
    """
    ends = reader.ends(contexts, database)
    try:
        tails = streams.tails([end.ref for end in ends])
    except StreamUnavailable:  # of a cluster's servers, some may answer
        tails = [None] * len(ends)
    return [end.ref for end, tail in zip(ends, tails, strict=True) if not _is_alike(end, tail)]


def _is_alike(end: reader.LogEnd, tail: streams.Tail | None) -> bool:
    if tail is None or end.is_stopped or not tail.is_whole:
        return False
    if tail.mark and not streams.marks(tail.mark, end.identity):
        return False
    return (tail.last, tail.event_id) == (end.head, end.event_id)


def _by_database(contexts: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for context in contexts:
        found[get_settings().database_of(context)].append(context)
    return found


@contextmanager
def _noting(errors: list[Exception]) -> Iterator[None]:
    """Separate parts, since the trouble of one database or server does not affect the others."""
    try:
        yield
    except (StreamUnavailable, Error) as error:
        errors.append(error)
        databases.drop_unusable()


class Relay:
    """Sequences and ships for the contexts that are hosted here."""

    def __init__(self, contexts: Iterable[str]) -> None:
        self.contexts = list(contexts)
        self._listener = WakeupListener(self.contexts)
        self._stopped: dict[PartitionRef, str] = {}
        """Why partitions are stopped, as already logged."""
        self._woken: set[str] = set()
        self._refreshed: set[str] = set()
        """Contexts with more new events than the last round took, if it had nothing else to do."""
        self._thorough_at = self._reports_stored_at = 0.0
        self.caught_up = False

    def start(self) -> None:
        """Warn if a log's number of partitions differs from the settings."""
        for context in self.contexts:
            with suppress(Error):
                wanted, found = (
                    get_settings().contexts[context].partitions,
                    reader.partition_count(context),
                )
                if wanted != found:
                    logger.warning(DIVIDED, context, found, wanted, context)

    def run_once(self) -> int:
        """Sequence once per context and ship once per partition. Returns: how much it did.

        A round after a wake-up handles only new events of the contexts that woke it; so do the
        next ones, if there are more than one round takes.

        Raises: StreamUnavailable: Redis did not answer; sequenced events stay sequenced.
                Error: a database did not answer.
        """
        done, errors = 0, list[Exception]()
        chosen, thorough = self._choose()
        refreshed, late, full = set[str](), 0, False
        for context in self._with_news(chosen, errors):
            with _noting(errors):
                fresh = self._sequence(context)
                done += (new := sum(len(each.rows) for each in fresh.values()))
                late += self._ship_new(context, fresh, errors)
                full = full or new >= _rows_at_once()
                if new:
                    refreshed.add(context)
        if thorough:
            late += self._ship_late(errors)
        done += late
        self._woken = set()
        self._refreshed = refreshed if full and not (late or errors) else set()
        self.caught_up = not (late or errors or full)
        self._store_reports(errors)
        if errors:
            raise errors[0]
        return done

    def _choose(self) -> tuple[list[str], bool]:
        """The contexts of this round, and whether it checks all of their partitions."""
        news = self._woken | self._refreshed
        if news and time.monotonic() - self._thorough_at < THOROUGH_EVERY_S:
            return [context for context in self.contexts if context in news], False
        self._thorough_at = time.monotonic()
        return self.contexts, True

    def _with_news(self, contexts: Iterable[str], errors: list[Exception]) -> list[str]:
        """Those that have woken the relay, or have events without a position."""
        found = self._woken.copy()
        for database, theirs in _by_database(contexts).items():
            with _noting(errors):
                asked = [context for context in theirs if context not in self._woken]
                found |= sequencer.unsequenced(asked, database)
        return [context for context in contexts if context in found]

    def _sequence(self, context: str) -> dict[int, Fresh]:
        fresh = sequencer.sequence_returning_records(context, _rows_at_once())
        reach("relay: sequenced")
        instrumentation.sequenced(row.type for each in fresh.values() for row in each.rows)
        return fresh

    def _ship_new(self, context: str, fresh: dict[int, Fresh], errors: list[Exception]) -> int:
        """Returns: how many events were shipped that were not new."""
        late = 0
        for number, new in fresh.items():
            with _noting(errors):
                ref = PartitionRef(context, number)
                if not self._ship_fresh(ref, new):
                    late += self._ship(ref)
        return late

    def _ship_late(self, errors: list[Exception]) -> int:
        """Ship what streams lack: Redis lost it, or a relay died before it was shipped."""
        late = 0
        for database, contexts in _by_database(self.contexts).items():
            with _noting(errors):
                for ref in _to_check(contexts, database):
                    with _noting(errors):
                        late += self._ship(ref)
        return late

    def _ship_fresh(self, ref: PartitionRef, fresh: Fresh) -> bool:
        """Ship new events if the stream ends right before them. Returns: whether it did."""
        if fresh.is_stopped or fresh.before is None:
            return False
        reach("relay: read")
        after, length = fresh.rows[0].position - 1, get_settings().stream_length
        try:
            accepted = streams.append(
                ref, fresh.identity, fresh.rows, length, (after, fresh.before)
            )
        except (
            LogMismatch,
            StreamSpoiled,
        ):  # an epoch began, or a mark is wrong: do the full check
            return False
        reach("relay: shipped")
        return accepted >= 0

    def _ship(self, ref: PartitionRef) -> int:
        try:
            shipped = ship(ref, _rows_at_once())
        except (HistoryGone, StreamSpoiled) as error:
            self._report(ref, error)
            return 0
        except LogMismatch:
            if stopped := stop(ref):
                self._report(ref, stopped)
            return 0
        self._stopped.pop(ref, None)
        return shipped

    def _store_reports(self, errors: list[Exception]) -> None:
        if time.monotonic() - self._reports_stored_at < STORE_REPORTS_EVERY_S:
            return
        self._reports_stored_at = time.monotonic()
        for ref in reader.all_partitions(self.contexts):
            with _noting(errors):
                retention.store_reported_cursors(ref)

    def _report(self, ref: PartitionRef, error: CarveoutError) -> None:
        """Log once that a partition is stopped, and continue with the others."""
        if str(error) != self._stopped.get(ref):
            logger.error("%s", error)
        self._stopped[ref] = str(error)

    def wait(self) -> None:
        """Return when something was published, or after the blocking period."""
        instrumentation.flush()
        self._woken = self._listener.wait()

    def close(self) -> None:
        instrumentation.flush()
        self._listener.close()
