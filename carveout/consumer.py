"""The consumer: brings the events of one partition to the subscriptions of one context."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

from carveout import cursor, history, stream
from carveout.attempt import attempt
from carveout.batch import Share, handle
from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS
from carveout.delivery import due
from carveout.errors import (
    CursorMoved,
    HistoryGone,
    LogMismatch,
    LookupRefused,
    LookupUnavailable,
    StreamUnavailable,
)
from carveout.event import ReceivedEvent
from carveout.handling import prefetch
from carveout.jobs import sweep
from carveout.lease import Lease
from carveout.log import partitions_of
from carveout.pause import Pauses
from carveout.source import Source, StreamSource
from carveout.stream import Place
from carveout.subscription import Subscription, hosted

logger = logging.getLogger(__name__)

MIRROR_EVERY_S = 1.0
SWEEP_EVERY_S = 0.5


class PartitionConsumer:
    """One subscribing context on one partition of another.

    Subscriptions at the same position are fed from one read; those behind catch up as a group of
    their own until they meet.
    """

    def __init__(self, place: Place, subscriptions: Sequence[Subscription], source: Source) -> None:
        self.place = place
        self._subscriptions = {subscription.name: subscription for subscription in subscriptions}
        self._context = subscriptions[0].context
        self._database = subscriptions[0].database
        self._source = source
        self._pauses = Pauses()
        self._positions: dict[str, int] = {}

    def run_once(self) -> int:
        """Handle one batch for each group. Returns: how many events the groups moved past.

        Raises: StreamUnavailable: Redis did not answer; call again.
                HistoryGone, LogMismatch: this partition needs a person.
        """
        if not self._positions:
            self._positions = self._load()
        moved = 0
        for position, group in self._groups().items():
            moved += self._run_group(position, group)
        if not moved:
            self._positions = {}  # somebody may have moved a cursor by hand: look again
        return moved

    @property
    def newest(self) -> int:
        """The position after which news is news."""
        return max(self._positions.values(), default=0)

    def mirror(self) -> None:
        """Show the cursors in Redis for monitoring."""
        for name, position in self._positions.items():
            stream.mirror(self.place, name, position)

    def _load(self) -> dict[str, int]:
        known = cursor.positions(self._subscriptions.keys(), self.place, self._database)
        for name in self._subscriptions.keys() - known.keys():
            known[name] = self._first_position(self._subscriptions[name])
            cursor.create(name, self.place, known[name], self._database)
        return known

    def _first_position(self, subscription: Subscription) -> int:
        if subscription.start == "beginning":
            return 0
        return history.extent(self._context, self.place).head

    def _groups(self) -> dict[int, list[Subscription]]:
        groups: dict[int, list[Subscription]] = defaultdict(list)
        for name, position in self._positions.items():
            if not self._pauses.rests(name):
                groups[position].append(self._subscriptions[name])
        return groups

    def _run_group(self, position: int, group: Sequence[Subscription]) -> int:
        try:
            events = self._source.read(position, get_settings().batch_rows)
        except (LookupUnavailable, LookupRefused) as error:
            self._pause(group, error)
            return 0
        if not events:
            return 0
        shares = self._shares(group, events)
        if not shares:
            return 0
        try:
            handle(shares, self.place, position, events[-1].position)
        except CursorMoved as moved:
            logger.info("%s", moved)
            self._positions = {}
            return 0
        for share in shares:
            self._positions[share.subscription.name] = events[-1].position
        return len(events)

    def _shares(
        self, group: Sequence[Subscription], events: Sequence[ReceivedEvent]
    ) -> list[Share]:
        """Each subscription's events with their lookups; who can't look up stays behind."""
        shares = []
        for subscription in group:
            heard = [event for event in events if subscription.hears(event)]
            try:
                found = prefetch(subscription, heard) if subscription.via == "consumer" else {}
            except (LookupUnavailable, LookupRefused) as error:
                self._pause([subscription], error)
                continue
            self._pauses.clear(subscription.name)
            shares.append(Share(subscription, heard, found))
        return shares

    def _pause(self, group: Sequence[Subscription], error: Exception) -> None:
        for subscription in group:
            seconds = self._pauses.pause(subscription.name)
            logger.warning("%s rests for %.1f s: %s", subscription.name, seconds, error)


class Consumer:
    """All partitions that the subscriptions of some contexts hear, and their deliveries."""

    def __init__(self, contexts: Iterable[str]) -> None:
        self._subscriptions: dict[str, list[Subscription]] = defaultdict(list)
        for subscription in hosted(contexts):
            self._subscriptions[subscription.context].append(subscription)
        lease_ms = get_settings().lease_ms
        self._shares = [
            (Lease(context, place, lease_ms), partition_consumer)
            for context, subscriptions in self._subscriptions.items()
            for place, partition_consumer in _partition_consumers(context, subscriptions)
        ]
        self._mirrored_at = self._swept_at = 0.0
        self._stopped: set[PartitionConsumer] = set()

    def run_once(self) -> int:
        """One batch for each partition that we hold, and the deliveries that are due.

        Returns: how much it did. Raises: StreamUnavailable: Redis did not answer; call again.
        """
        done = self._run_deliveries()
        for lease, partition in self._shares:
            if self._hold(lease):
                done += self._run_partition(partition)
        self._mirror()
        return done

    def wait(self) -> None:
        """Return when a stream has news, or after the blocking period."""
        after: dict[Place, int] = {}
        for _, partition in self._shares:
            after[partition.place] = max(after.get(partition.place, 0), partition.newest)
        if after:
            stream.wait(after, get_settings().block_ms)
        else:
            time.sleep(get_settings().block_ms / 1000)

    def close(self) -> None:
        for lease, _ in self._shares:
            lease.release()

    def _hold(self, lease: Lease) -> bool:
        try:
            return lease.hold()
        except REDIS_ERRORS as error:
            raise StreamUnavailable(f"Redis did not answer ({error}); nothing is lost.") from error

    def _run_partition(self, partition: PartitionConsumer) -> int:
        try:
            moved = partition.run_once()
        except (HistoryGone, LogMismatch) as error:
            if partition not in self._stopped:
                logger.error("%s", error)  # noqa: TRY400 - its message says it all
            self._stopped.add(partition)
            return 0
        self._stopped.discard(partition)
        return moved

    def _run_deliveries(self) -> int:
        """Retry what is due, and hand to jobs what belongs there."""
        if time.monotonic() - self._swept_at < SWEEP_EVERY_S:
            return 0
        self._swept_at = time.monotonic()
        return sum(
            run_due(context, subscriptions)
            for context, subscriptions in self._subscriptions.items()
        )

    def _mirror(self) -> None:
        if time.monotonic() - self._mirrored_at < MIRROR_EVERY_S:
            return
        self._mirrored_at = time.monotonic()
        for _, partition in self._shares:
            partition.mirror()


def run_due(context: str, subscriptions: Sequence[Subscription]) -> int:
    """Try the deliveries of a context whose time has come. Returns: how many."""
    database, limit = get_settings().database_of(context), get_settings().batch_rows
    here = [s for s in subscriptions if s.via == "consumer"]
    waiting = due(here, database, limit) if here else []
    for row in waiting:
        attempt(row.pk, database)
    in_jobs = [s for s in subscriptions if s.via == "rq"]
    rows = due(in_jobs, database, limit) if in_jobs else []
    return len(waiting) + (sweep(context, rows, database) if rows else 0)


def _partition_consumers(
    context: str, subscriptions: Sequence[Subscription]
) -> list[tuple[Place, PartitionConsumer]]:
    sources = {source for subscription in subscriptions for source in subscription.sources}
    made = []
    for place in partitions_of(sorted(sources)):
        hearing = [s for s in subscriptions if place[0] in s.sources]
        made.append((place, PartitionConsumer(place, hearing, StreamSource(context, place))))
    return made
