"""Delivers one partition's events to one subscribing context."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from django.db import transaction

from carveout.conf import get_settings
from carveout.consumers import attempt_records
from carveout.consumers.barrier import WAIT_S, is_open, up_to_barrier
from carveout.consumers.batch import Reached, Stretch, SubscriptionBatch, handle
from carveout.consumers.one_by_one import ONE_BY_ONE_ROWS, handle_one_by_one
from carveout.consumers.source import EventSource, compare
from carveout.deliveries.retry_policy import Backoffs
from carveout.errors import (
    CopyOvertaken,
    CursorMoved,
    HistoryGone,
    LogMismatch,
    LookupFailed,
    StreamRefused,
    StreamSpoiled,
)
from carveout.eventlog import remote
from carveout.eventlog.repartition import BARRIER
from carveout.events.event import PartitionRef, ReceivedEvent
from carveout.redis import groups, inbound
from carveout.runtime import databases
from carveout.runtime.failpoints import reach
from carveout.subscriptions import cursors, fault_attribution, handled_types
from carveout.subscriptions.cursors import BEGINNING, CursorPosition, CursorState
from carveout.subscriptions.handler import prefetch
from carveout.subscriptions.subscription import Subscription
from carveout.telemetry import instrumentation, spans
from carveout.telemetry.notes import RunNotes, collecting

logger = logging.getLogger(__name__)

LOOK_AGAIN_S = 1.0
"""How soon a resumed subscription is noticed, however busy the others are."""


class PartitionConsumer:
    """Delivers one partition's events to one context's subscriptions.

    Subscriptions at the same position are fed from one read; those behind catch up in
    separate groups until they meet.
    """

    def __init__(
        self,
        ref: PartitionRef,
        subscriptions: Sequence[Subscription],
        source: EventSource,
        guard: Callable[[], AbstractContextManager[None]] = nullcontext,
        *,
        lingers: bool = False,
    ) -> None:
        """guard: a context manager that is entered around each batch.
        lingers: whether `linger_ms` counts; False: this runs only until nothing is left.
        """
        self.ref = ref
        self._guard = guard
        self._lingers = lingers
        self._lingers_until: dict[str, float] = {}
        self._subscriptions = {subscription.name: subscription for subscription in subscriptions}
        self._context = subscriptions[0].context
        self._database = subscriptions[0].database
        self._source = source
        self._backoffs = Backoffs()
        self.stalled: dict[str, Exception] = {}
        """Why subscriptions stayed behind in the last `run_once`, by name."""
        self._positions: dict[str, CursorPosition] = {}
        self._types: dict[str, str] = {}
        self._mirrored: dict[str, int] = {}
        self._mirrored_at = 0.0
        self._one_by_one_until: dict[str, int] = {}
        self._stale, self._idle, self._more = True, False, False
        self._loaded_at = 0.0
        self._rows = get_settings().batch_rows
        self._troubles = 0
        self._broken = ""

    def run_once(self, *, one_by_one: bool = False, news: bool = False) -> int:
        """Handle one batch for each group.

        one_by_one: a batch's number of events run one at a time, in this call and the next ones.
        news: there is a new event, so the cursors are not looked up first; if somebody moved one,
            the batch will not commit.

        Returns: how many events the groups moved past; 0 too if this partition needs a person.
        Raises: StreamUnavailable: Redis did not answer; call again.
        """
        self.stalled.clear()
        try:
            if self._stale or (self._idle and not news) or self._may_go_on():
                self._positions = self._load()
            self._stale = self._idle = self._more = False
            moved = self._run_groups(one_by_one)
        except (HistoryGone, LogMismatch, StreamSpoiled) as error:
            if str(error) != self._broken:
                logger.error("%s", error)  # noqa: TRY400 - its message is enough
            self._broken = str(error)
            self.stalled |= dict.fromkeys(self._subscriptions, error)
            self.forget_positions()
            return 0
        self._broken = ""
        self._idle |= self.caught_up
        return moved

    @property
    def caught_up(self) -> bool:
        """Whether the last run reached the end of what it read, with all that may go on."""
        awake = {at for name, at in self._positions.items() if self._goes_on(name, at)}
        return not (self._more or self._stale) and len(awake) <= 1

    @property
    def is_stuck(self) -> bool:
        """Whether this partition needs a person."""
        return bool(self._broken)

    def waits_after(self) -> int | None:
        """The position after which to wait for new events; None if only waiting helps."""
        if self._broken:
            return None
        awake = (at for name, at in self._positions.items() if self._goes_on(name, at))
        return max((at.position for at in awake), default=None)

    def lingers_s(self) -> float | None:
        """How long until the first subscription has lingered; None if none lingers."""
        now = time.monotonic()
        return min(
            (until - now for until in self._lingers_until.values() if until > now), default=None
        )

    def mirror(self) -> None:
        """Report the cursors to the log's owner, and show them in Redis for monitoring.

        Periodically also those that have not moved: Redis may have lost them.
        """
        positions = {name: at.position for name, at in self._positions.items()}
        lately = time.monotonic() - self._mirrored_at < groups.REPORT_EVERY_S
        if not positions or self._stale or (lately and positions == self._mirrored):
            return
        try:
            groups.report_cursors(self.ref, positions)
            for name, position in positions.items():
                groups.mirror_group(self.ref, name, position)
        except StreamRefused as refused:  # delivery does not depend on it
            inbound.ignore(str(self.ref), f"refused a report: {refused}")
        self._mirrored, self._mirrored_at = positions, time.monotonic()

    def forget_positions(self) -> None:
        """Read the cursors again: another process may have moved them."""
        self._stale = True

    def crashed_here(self) -> bool:
        """Whether a consumer died here in one-by-one mode. The database knows if Redis lost it."""
        return attempt_records.has_unfinished(self._subscriptions.keys(), self.ref, self._database)

    def _run_groups(self, one_by_one: bool) -> int:
        if one_by_one:
            rows = get_settings().batch_rows
            self._one_by_one_until = {
                name: at.position + rows for name, at in self._positions.items()
            }
        moved = sum(self._run_group(at, group) for at, group in self._groups().items())
        if not moved:
            self._one_by_one_until.clear()
            self._idle = True
        return moved

    def _goes_on(self, name: str, at: CursorPosition) -> bool:
        lingers = time.monotonic() < self._lingers_until.get(name, 0.0)
        return not (at.paused or lingers or self._backoffs.is_waiting(name))

    def _may_go_on(self) -> bool:
        """Look again: a person may have resumed a subscription, or decided about a new one."""
        refused = len(self._positions) < len(self._subscriptions)
        paused = any(at.paused for at in self._positions.values())
        return (paused or refused) and time.monotonic() - self._loaded_at > LOOK_AGAIN_S

    def _load(self) -> dict[str, CursorPosition]:
        self._loaded_at = time.monotonic()
        states = self._states()
        if any(self._is_new(each, states) for each in self._subscriptions.values()):
            self._declare()
            ours = self._subscriptions
            states = {n: s for n, s in self._states().items() if not self._is_new(ours[n], {n: s})}
        self._types = {name: state.types for name, state in states.items()}
        known = {name: state.at for name, state in states.items()}
        for name, types in self._types.items():
            if unknown := handled_types.unknown(self._subscriptions[name], types):
                more = handled_types.more(self._subscriptions[name], unknown)
                handled_types.log_once(logging.WARNING, more)
        attempt_records.clean_up(known, self.ref, self._database)
        return known

    def _states(self) -> dict[str, CursorState]:
        return cursors.states(self._subscriptions.keys(), self.ref, self._database)

    def _is_new(self, each: Subscription, states: Mapping[str, CursorState]) -> bool:
        """Whether it has no cursor here, or one that lacks a type that it handles."""
        state = states.get(each.name)
        return state is None or handled_types.lacks(each, self.ref.context, state.types)

    def _declare(self) -> None:
        handled_types.declare(list(self._subscriptions.values()), self._database)
        for name in self._subscriptions.keys() - self._states().keys():
            subscription = self._subscriptions[name]
            if names := handled_types.predecessors(subscription):
                handled_types.log_once(logging.ERROR, handled_types.refusal(subscription, names))
            else:
                self._begin(subscription)

    def _begin(self, subscription: Subscription) -> None:
        """Create a subscription's cursors: for a new one on all partitions at once."""
        name, context = subscription.name, self.ref.context
        firsts = {self.ref: BEGINNING}  # all of a new partition, for subscriptions on the others
        if not cursors.by_partition(name, context, self._database):
            count = max(remote.partitions(self._context, context), self.ref.number + 1)
            refs = [PartitionRef(context, number) for number in range(count)]
            firsts = {ref: self._first_position(subscription, ref) for ref in refs}
        types = handled_types.declared(subscription, context)
        with transaction.atomic(using=self._database):
            for ref, at in firsts.items():
                cursors.create(name, ref, at, self._database, types)

    def _first_position(self, subscription: Subscription, ref: PartitionRef) -> CursorPosition:
        if subscription.start == "beginning":
            return BEGINNING
        return CursorPosition(remote.log_range(self._context, ref).head)

    def _groups(self) -> dict[CursorPosition, list[Subscription]]:
        by_position: dict[CursorPosition, list[Subscription]] = defaultdict(list)
        for name, at in self._positions.items():
            if self._goes_on(name, at):
                by_position[at].append(self._subscriptions[name])
        return by_position

    def _run_group(self, at: CursorPosition, group: Sequence[Subscription]) -> int:
        one_by_one = any(at.position < self._one_by_one_until.get(each.name, 0) for each in group)
        try:
            limit = min(self._rows, get_settings().batch_rows)
            if one_by_one:
                limit = min(limit, ONE_BY_ONE_ROWS)
            read = self._source.read(at, limit)
        except LookupFailed as error:
            self._back_off(group, error)
            return 0
        events = up_to_barrier(read)
        more = len(read) >= limit or len(events) < len(read)
        self._more |= more
        if events and (self._broken or events[0].type == BARRIER):
            # Before handlers run in vain repeatedly, or a barrier creates cursors.
            compare(self._context, self.ref, events[-1])
        batches = self._batches(group, events) if events else []
        if not batches:
            return 0
        stretch = Stretch(self.ref, at, CursorPosition(events[-1].position, events[-1].id))
        began = time.time()
        try:
            with self._guard(), self._span(batches):
                reach("consumer: read")
                reached = self._handle(batches, stretch, one_by_one)
        except (CursorMoved, CopyOvertaken) as moved:
            logger.info("%s", moved)
            self.forget_positions()
            return 0
        except BaseException:
            self.forget_positions()  # some subscriptions may have moved
            raise
        reach("consumer: committed")
        times = (began, time.time())
        self._fit_rows(stretch, reached)
        for batch in batches:
            self._move(batch, at, reached[batch.subscription.name], times, more=more)
        return max(to.position for to in reached.values()) - at.position

    def _fit_rows(self, stretch: Stretch, reached: Reached) -> None:
        """Next time, read only as much as there was time for; otherwise more again."""
        done = min(to.position for to in reached.values()) - stretch.old.position
        if done < stretch.new.position - stretch.old.position:
            self._rows, self._more = max(done, 1), True
        else:
            self._rows = min(self._rows * 2, get_settings().batch_rows)

    def _move(
        self,
        batch: SubscriptionBatch,
        at: CursorPosition,
        to: CursorPosition,
        times: tuple[float, float],
        *,
        more: bool,
    ) -> None:
        """Note how far a subscription got. more: whether it is known that more events wait."""
        name, linger_s = batch.subscription.name, batch.subscription.linger_ms / 1000
        self._positions[name] = to
        self._record(batch, range(at.position + 1, to.position + 1), times)
        if self._lingers and linger_s and not more:
            self._lingers_until[name] = time.monotonic() + linger_s

    def _record(self, batch: SubscriptionBatch, span: range, times: tuple[float, float]) -> None:
        """Record a trace of a batch, and count it."""
        handled = [event for event in batch.events if event.position in span]
        if not handled:
            return
        types = (event.type for event in handled if batch.subscription.handles(event))
        name = batch.subscription.name
        instrumentation.handled(name, self.ref, span, times, types, batch.run_notes)

    def _span(self, batches: Sequence[SubscriptionBatch]) -> AbstractContextManager[object]:
        events = (event for batch in batches for event in batch.events)
        name = f"{self.ref} for {self._context}"
        return spans.handling(name, (event.traceparent for event in events))

    def _handle(
        self, batches: Sequence[SubscriptionBatch], stretch: Stretch, one_by_one: bool
    ) -> Reached:
        if not one_by_one:
            try:
                reached = handle(batches, stretch)
            except (CursorMoved, CopyOvertaken, LogMismatch):
                raise
            except Exception as error:
                self._troubles += 1
                if (
                    fault_attribution.says_trouble(error)
                    and self._troubles <= fault_attribution.ELSEWHERE_MAX
                ):
                    raise
                at = (self.ref, stretch.old.position)
                logger.info("%s after %s: batch failed, now one event at a time: %r", *at, error)
                databases.drop_unusable()
            else:
                self._troubles = 0
                return reached
        return {batch.subscription.name: handle_one_by_one(batch, stretch) for batch in batches}

    def _batches(
        self, group: Sequence[Subscription], events: Sequence[ReceivedEvent]
    ) -> list[SubscriptionBatch]:
        """Each subscription's events and lookups, without subscriptions whose lookups fail."""
        batches = []
        for subscription in group:
            if not is_open(subscription, events[0]):
                self._backoffs.wait(subscription.name, WAIT_S)
                continue
            types = self._types[subscription.name]
            handled = [event for event in events if subscription.handles(event)]
            kept = handled
            if unknown := handled_types.unknown(subscription, types):
                kept = [
                    each for each in events if subscription.handles(each) or each.type in unknown
                ]
            run_notes, job = RunNotes(), subscription.via == "rq"
            readers = subscription.when_parameters[1] if job else subscription.lookups
            try:
                with collecting(run_notes):
                    fetched = prefetch(readers, handled)
            except LookupFailed as error:
                if not job:
                    self._back_off([subscription], error)
                    continue
                fetched = {}  # its `when` can't answer, so its handler decides
            self._backoffs.reset(subscription.name)
            batches.append(SubscriptionBatch(subscription, kept, fetched, run_notes, types))
        return batches

    def _back_off(self, group: Sequence[Subscription], error: Exception) -> None:
        for subscription in group:
            seconds = self._backoffs.failed(subscription.name)
            self.stalled[subscription.name] = error
            logger.warning("%s backs off for %.1f s: %s", subscription.name, seconds, error)
