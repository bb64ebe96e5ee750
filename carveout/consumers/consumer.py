"""Runs a consumer: it handles its share of the partitions, and the deliveries that are due."""

import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from carveout.conf import get_settings
from carveout.consumers.crash_marker import CrashMarker, crashed_before
from carveout.consumers.isolation import Apart, Part
from carveout.consumers.leases import Heartbeat, Leases
from carveout.consumers.partition import PartitionConsumer
from carveout.consumers.source import StreamSource
from carveout.deliveries.attempt import attempt, settle
from carveout.deliveries.runnable import any_due, due
from carveout.deliveries.sweeper import Sweeper
from carveout.events.event import PartitionRef
from carveout.redis import keys, streams
from carveout.redis.client import REDIS_ERRORS, on_cluster
from carveout.redis.refusals import unavailable
from carveout.redis.wakeups import WakeupListener
from carveout.runtime import stopping
from carveout.subscriptions import cursors, handled_types
from carveout.subscriptions.subscription import Subscription, hosted, registry
from carveout.telemetry import instrumentation

logger = logging.getLogger(__name__)

MIRROR_EVERY_S = 1.0
SWEEP_EVERY_S = 1.0
ROUND_S = 0.5
"""A round ends after this time, so that a consumer that is asked to stop does so soon."""


class ContextConsumer:
    """One subscribing context: its leases, and the partitions that it reads."""

    def __init__(self, context: str, subscriptions: Sequence[Subscription]) -> None:
        self.context = context
        self.subscriptions = subscriptions
        self._partitions: dict[PartitionRef, PartitionConsumer] = {}
        self._markers: dict[PartitionRef, CrashMarker] = {}
        self.leases = Leases(context, get_settings().lease_ms)
        self._sweeper = Sweeper(context, subscriptions)
        self._apart = Apart()
        self._ours: set[PartitionRef] = set()
        self._last = PartitionRef("", 0)
        self._declared = False
        self.lives = False
        """Whether it runs until it is stopped; if not, it waits for nothing."""

    def run_once(self, *, news: bool = False) -> int:
        """Handle one batch for each leased partition, or for some of them if time is up.

        The next call continues with the others. Returns: how much was done.
        """
        if not self._declared:  # before the first lease: another release may hold them all
            handled_types.declare(self.subscriptions, get_settings().database_of(self.context))
            self._declared = True
        if self.leases.needs_rebalance:
            self.remove_markers()  # before others take the partitions over
            self.leases.rebalance(self._known_partitions())
        self._ours &= self.leases.held()
        return self._apart.run(self._turns(news))

    def _turns(self, news: bool) -> Iterator[Part]:
        """The leased partitions until time is up, least recently run first."""
        ends_at, any_done = time.monotonic() + ROUND_S, [0]

        def run(ref: PartitionRef) -> int:
            self._last = ref
            done = self._run(ref, taken_over=ref not in self._ours, news=news)
            self._ours.add(ref)
            any_done.append(done)
            return done

        for ref in sorted(self.leases.held(), key=lambda ref: (ref <= self._last, ref)):
            if stopping.asked() or (any(any_done) and time.monotonic() > ends_at):
                return
            yield self._named(ref), partial(run, ref)

    def _named(self, ref: PartitionRef) -> str:
        return f"{ref} for {self.context}"

    @property
    def caught_up(self) -> bool:
        """Whether the last round left nothing that was there when it read."""
        return all(self._partitions[ref].caught_up for ref in self._ours)

    def run_due(self) -> int:
        """Try the deliveries that are due, until time is up. Returns: how many."""
        settle()
        database = get_settings().database_of(self.context)
        if not any_due(database):
            return 0
        here = [each for each in self.subscriptions if each.via == "consumer"]
        waiting = due(here, database, get_settings().batch_rows) if here else []
        tried, ends_at = 0, time.monotonic() + ROUND_S
        for row in waiting:
            attempt(row, registry[row.subscription])
            tried += 1
            if stopping.asked() or time.monotonic() > ends_at:
                break
        return tried + self._sweeper.run_once()

    def is_stuck_at(self, ref: PartitionRef) -> bool:
        """Whether this partition needs a person."""
        return ref in self._partitions and self._partitions[ref].is_stuck

    def held(self) -> list[PartitionConsumer]:
        """The partitions that can run; one that backs off is skipped for a moment."""
        awake = (ref for ref in self._ours if not self._apart.backs_off(self._named(ref)))
        return [self._partitions[ref] for ref in sorted(awake)]

    def _known_partitions(self) -> set[PartitionRef]:
        """The partitions from the settings and those learned from barriers."""
        contexts = get_settings().contexts
        sources = {
            source for subscription in self.subscriptions for source in subscription.source_contexts
        }
        names = [subscription.name for subscription in self.subscriptions]
        known = cursors.partitions(names, get_settings().database_of(self.context))
        return {ref for ref in known if ref.context in sources} | {
            PartitionRef(source, number)
            for source in sources
            for number in range(contexts[source].partitions)
        }

    def _partition(self, ref: PartitionRef) -> PartitionConsumer:
        subscribed = [each for each in self.subscriptions if ref.context in each.source_contexts]
        self._markers[ref] = CrashMarker(self.context, ref)
        source = StreamSource(self.context, ref)
        guard = self._markers[ref].marking
        return PartitionConsumer(ref, subscribed, source, guard, lingers=self.lives)

    def remove_markers(self) -> None:
        """Between two rounds: a consumer that dies now dies in no batch."""
        for marker in self._markers.values():
            marker.remove()

    def _run(self, ref: PartitionRef, *, taken_over: bool, news: bool = False) -> int:
        """Run the next batch one by one if the previous consumer died in the middle of it."""
        if ref not in self._partitions:
            self._partitions[ref] = self._partition(ref)
        partition = self._partitions[ref]
        if taken_over:
            partition.forget_positions()
        one_by_one = taken_over and (crashed_before(self.context, ref) or partition.crashed_here())
        return partition.run_once(one_by_one=one_by_one, news=news)


class Consumer:
    """Handles all partitions that some contexts subscribe to, and their deliveries."""

    def __init__(self, contexts: Iterable[str]) -> None:
        by_context: dict[str, list[Subscription]] = defaultdict(list)
        for subscription in hosted(contexts):
            by_context[subscription.context].append(subscription)
        self._contexts = [ContextConsumer(name, each) for name, each in by_context.items()]
        leases = [context.leases for context in self._contexts]
        self._heartbeat = Heartbeat(leases, get_settings().lease_ms)
        self._apart = Apart()
        self._mirrored_at = self._swept_at = 0.0
        self._news = False  # a new event goes before failed ones
        self._tried = 0
        self._listener = (
            WakeupListener(self._sources(), keys.stream_channel) if on_cluster() else None
        )

    def start(self) -> None:
        """Start to renew the leases, also during long batches."""
        self._heartbeat.start()
        for context in self._contexts:
            context.lives = True

    @property
    def contexts(self) -> list[str]:
        return [each.context for each in self._contexts]

    def run_once(self) -> int:
        """Handle one batch for each leased partition, and the deliveries that are due.

        Returns: how much it did. Raises: StreamUnavailable: Redis did not answer; call again.
        """
        ways = [self._run_deliveries, self._run_batches]
        try:
            done = sum(run() for run in (reversed(ways) if self._news else ways))
        except REDIS_ERRORS as error:
            raise unavailable(error) from error
        self._mirror()
        return done

    @property
    def caught_up(self) -> bool:
        return not self._tried and all(context.caught_up for context in self._contexts)

    def wait(self) -> None:
        """Return when a stream has new entries, a subscription has lingered, or after the blocking
        period.

        Raises: StreamUnavailable: Redis did not answer; call again.
        """
        after: dict[PartitionRef, int] = {}
        for partition in self._held():
            position = partition.waits_after()
            if position is not None:
                after[partition.ref] = max(after.get(partition.ref, 0), position)
        lingering = [lingers for each in self._held() if (lingers := each.lingers_s())]
        wait_s = min([get_settings().block_ms / 1000, *lingering])
        self._news = False
        if after and self._listener:
            self._news = bool(self._listener.wait(wait_s))
        elif after:
            self._news = streams.wait(after, math.ceil(wait_s * 1000))
        else:
            time.sleep(wait_s)

    def leases_held(self) -> Iterator[tuple[str, PartitionRef, bool]]:
        """The leased partitions, by subscribing context, and whether each is stuck."""
        for context in self._contexts:
            for ref in sorted(context.leases.held()):
                yield context.context, ref, context.is_stuck_at(ref)

    @property
    def is_balanced(self) -> bool:
        """Whether this consumer found its share of the partitions, and has kept it since."""
        return all(context.leases.is_balanced for context in self._contexts)

    def close(self) -> None:
        if self._listener:
            self._listener.close()
        self._heartbeat.stop()
        instrumentation.flush()
        for context in self._contexts:
            context.remove_markers()
            context.leases.leave()

    def _sources(self) -> set[str]:
        """The contexts whose events are handled here."""
        subscriptions = [each for context in self._contexts for each in context.subscriptions]
        return {source for subscription in subscriptions for source in subscription.source_contexts}

    def _held(self) -> list[PartitionConsumer]:
        return [partition for context in self._contexts for partition in context.held()]

    def _run_batches(self) -> int:
        run = partial(ContextConsumer.run_once, news=self._news)
        return self._each("batches", run)

    def _each(self, what: str, run: Callable[[ContextConsumer], int]) -> int:
        parts = ((f"{what} of {each.context}", partial(run, each)) for each in self._contexts)
        return self._apart.run(parts)

    def _run_deliveries(self) -> int:
        """Retry deliveries that are due, and give jobs to those that run in jobs."""
        self._tried = 0
        if time.monotonic() - self._swept_at < SWEEP_EVERY_S:
            return 0
        self._swept_at = time.monotonic()
        self._tried = self._each("deliveries", ContextConsumer.run_due)
        return self._tried

    def _mirror(self) -> None:
        if time.monotonic() - self._mirrored_at < MIRROR_EVERY_S:
            return
        self._mirrored_at = time.monotonic()
        instrumentation.flush()
        for context in self._contexts:
            context.remove_markers()
        for partition in self._held():
            partition.mirror()
