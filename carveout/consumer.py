"""The consumer: works on the partitions that are its share, and on deliveries that are due."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from carveout import cursor, hearing, marker, stop, stream, tally, trace
from carveout.apart import Apart, Part
from carveout.attempt import attempt, settle
from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS, on_cluster
from carveout.contracts import deployed
from carveout.event import Place
from carveout.lease import Heartbeat, Leases
from carveout.partition import PartitionConsumer
from carveout.refusal import unavailable
from carveout.source import StreamSource
from carveout.subscription import Subscription, hosted
from carveout.sweeper import Sweeper
from carveout.turn import any_due, due
from carveout.wake import Listener, stream_channel

logger = logging.getLogger(__name__)

MIRROR_EVERY_S = 1.0
SWEEP_EVERY_S = 0.5
ROUND_S = 0.5
"""After so long a round is over, so that a consumer which is told to stop does so soon."""


class ContextConsumer:
    """One subscribing context: its leases, and the partitions that it hears."""

    def __init__(self, context: str, subscriptions: Sequence[Subscription]) -> None:
        self.context = context
        self.subscriptions = subscriptions
        self._partitions: dict[Place, PartitionConsumer] = {}
        self.leases = Leases(context, get_settings().lease_ms)
        self._sweeper = Sweeper(context, subscriptions)
        self._apart = Apart()
        self._ours: set[Place] = set()
        self._last: Place = ("", 0)
        self._declared = False

    def run_once(self, *, news: bool = False) -> int:
        """One batch for each partition that we hold, or for some of them if time is up.

        The next call goes on with the others. Returns: how much was done.
        """
        if not self._declared:  # before there is a lease: another release may hold them all
            hearing.declare(self.subscriptions, get_settings().database_of(self.context))
            self._declared = True
        if self.leases.unsettled:
            self.leases.settle(self._places())
        self._ours &= self.leases.held()
        return self._apart.run(self._turns(news))

    def _turns(self, news: bool) -> Iterator[Part]:
        """The partitions that we hold, those first that were not run lately, until time is up."""
        ends_at, any_done = time.monotonic() + ROUND_S, [0]

        def run(place: Place) -> int:
            self._last = place
            done = self._run(place, taken_over=place not in self._ours, news=news)
            self._ours.add(place)
            any_done.append(done)
            return done

        for place in sorted(self.leases.held(), key=lambda place: (place <= self._last, place)):
            if stop.asked() or (any(any_done) and time.monotonic() > ends_at):
                return
            yield self._named(place), partial(run, place)

    def _named(self, place: Place) -> str:
        return f"{place[0]}.{place[1]} for {self.context}"

    def run_due(self) -> int:
        """Try the deliveries whose time has come, until time is up. Returns: how many."""
        settle()
        database = get_settings().database_of(self.context)
        if not any_due(database):
            return 0
        here = [each for each in self.subscriptions if each.via == "consumer"]
        waiting = due(here, database, get_settings().batch_rows) if here else []
        tried, ends_at = 0, time.monotonic() + ROUND_S
        for row in waiting:
            attempt(row.pk, database)
            tried += 1
            if stop.asked() or time.monotonic() > ends_at:
                break
        return tried + self._sweeper.run_once()

    def stands_at(self, place: Place) -> bool:
        """Does this partition need a person?"""
        return place in self._partitions and self._partitions[place].stands

    def held(self) -> list[PartitionConsumer]:
        """Those that go on; one that backs off is left alone for a moment."""
        awake = (place for place in self._ours if not self._apart.backs_off(self._named(place)))
        return [self._partitions[place] for place in sorted(awake)]

    def _places(self) -> set[Place]:
        """What the settings say, and what fences told of."""
        contexts = get_settings().contexts
        sources = {source for subscription in self.subscriptions for source in subscription.sources}
        names = [subscription.name for subscription in self.subscriptions]
        known = cursor.places(names, get_settings().database_of(self.context))
        return {place for place in known if place[0] in sources} | {
            (source, number) for source in sources for number in range(contexts[source].partitions)
        }

    def _partition(self, place: Place) -> PartitionConsumer:
        hearing = [each for each in self.subscriptions if place[0] in each.sources]
        guard = partial(marker.marked, self.context, place)
        return PartitionConsumer(place, hearing, StreamSource(self.context, place), guard)

    def _run(self, place: Place, *, taken_over: bool, news: bool = False) -> int:
        """If whoever was here before us died in the middle of a batch, that one runs carefully."""
        if place not in self._partitions:
            self._partitions[place] = self._partition(place)
        partition = self._partitions[place]
        if taken_over:
            partition.forget_positions()
        careful = taken_over and (marker.is_set(self.context, place) or partition.died_here())
        return partition.run_once(careful=careful, news=news)


class Consumer:
    """All partitions that the subscriptions of some contexts hear, and their deliveries."""

    def __init__(self, contexts: Iterable[str]) -> None:
        by_context: dict[str, list[Subscription]] = defaultdict(list)
        for subscription in hosted(contexts):
            by_context[subscription.context].append(subscription)
        self._contexts = [ContextConsumer(name, each) for name, each in by_context.items()]
        leases = [context.leases for context in self._contexts]
        self._heartbeat = Heartbeat(leases, get_settings().lease_ms)
        self._apart = Apart()
        self._mirrored_at = self._swept_at = 0.0
        self._news = False  # a new event goes before those that failed
        self._listener = Listener(self._sources(), stream_channel) if on_cluster() else None

    def start(self) -> None:
        """Keep the leases from now on, also while a batch takes long."""
        self._heartbeat.start()

    def run_once(self) -> int:
        """One batch for each partition that we hold, and the deliveries that are due.

        Returns: how much it did. Raises: StreamUnavailable: Redis did not answer; call again.
        """
        deployed.keep_telling(each.context for each in self._contexts)
        ways = [self._run_deliveries, self._run_batches]
        try:
            done = sum(run() for run in (reversed(ways) if self._news else ways))
        except REDIS_ERRORS as error:
            raise unavailable(error) from error
        self._mirror()
        return done

    def wait(self) -> None:
        """Return when a stream has news, or after the blocking period.

        Raises: StreamUnavailable: Redis did not answer; call again.
        """
        after: dict[Place, int] = {}
        for partition in self._held():
            position = partition.news_after()
            if position is not None:
                after[partition.place] = max(after.get(partition.place, 0), position)
        self._news = False
        if after and self._listener:
            self._news = bool(self._listener.wait())
        elif after:
            self._news = stream.wait(after, get_settings().block_ms)
        else:
            time.sleep(get_settings().block_ms / 1000)

    def leases_held(self) -> Iterator[tuple[str, Place, bool]]:
        """The partitions that we work on, by subscribing context, and whether each stands."""
        for context in self._contexts:
            for place in sorted(context.leases.held()):
                yield context.context, place, context.stands_at(place)

    @property
    def settled(self) -> bool:
        """Did we find our share of the partitions, and keep it since?"""
        return all(context.leases.settled for context in self._contexts)

    def close(self) -> None:
        if self._listener:
            self._listener.close()
        self._heartbeat.stop()
        tally.flush()
        trace.flush()
        for context in self._contexts:
            context.leases.leave()

    def _sources(self) -> set[str]:
        """The contexts that are heard here."""
        hearing = [each for context in self._contexts for each in context.subscriptions]
        return {source for subscription in hearing for source in subscription.sources}

    def _held(self) -> list[PartitionConsumer]:
        return [partition for context in self._contexts for partition in context.held()]

    def _run_batches(self) -> int:
        run = partial(ContextConsumer.run_once, news=self._news)
        return self._each("batches", run)

    def _each(self, what: str, run: Callable[[ContextConsumer], int]) -> int:
        parts = ((f"{what} of {each.context}", partial(run, each)) for each in self._contexts)
        return self._apart.run(parts)

    def _run_deliveries(self) -> int:
        """Retry what is due, and hand to jobs what belongs there."""
        if time.monotonic() - self._swept_at < SWEEP_EVERY_S:
            return 0
        self._swept_at = time.monotonic()
        return self._each("deliveries", ContextConsumer.run_due)

    def _mirror(self) -> None:
        if time.monotonic() - self._mirrored_at < MIRROR_EVERY_S:
            return
        self._mirrored_at = time.monotonic()
        tally.flush()
        trace.flush()
        for partition in self._held():
            partition.mirror()
