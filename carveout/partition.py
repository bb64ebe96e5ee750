"""One subscribing context on one partition of another."""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from django.db import transaction

from carveout import (
    blame,
    cursor,
    database,
    hearing,
    history,
    inbound,
    note,
    spans,
    stream,
    tally,
    trace,
)
from carveout.annotation import Gathered, gathering
from carveout.batch import Reached, Share, Stretch, handle
from carveout.careful import CAREFUL_ROWS, handle_carefully
from carveout.conf import get_settings
from carveout.cursor import BEGINNING, At, Stand
from carveout.errors import (
    CursorMoved,
    HistoryGone,
    LogMismatch,
    LookupFailed,
    StreamRefused,
    StreamSpoiled,
)
from carveout.event import Place, ReceivedEvent
from carveout.failpoint import reach
from carveout.fence import FENCE, REST_S, is_open, up_to_fence
from carveout.handling import prefetch
from carveout.pause import Pauses
from carveout.source import Source, compare
from carveout.subscription import Subscription

logger = logging.getLogger(__name__)

LOOK_AGAIN_S = 1.0
"""How soon it is seen that a person has resumed a subscription, however busy others are."""


class PartitionConsumer:
    """Brings one partition's events to one context's subscriptions.

    Subscriptions at the same position are fed from one read; those behind catch up as a group of
    their own until they meet.
    """

    def __init__(
        self,
        place: Place,
        subscriptions: Sequence[Subscription],
        source: Source,
        guard: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`guard` is entered around each batch."""
        self.place = place
        self._guard = guard
        self._subscriptions = {subscription.name: subscription for subscription in subscriptions}
        self._context = subscriptions[0].context
        self._database = subscriptions[0].database
        self._source = source
        self._pauses = Pauses()
        self.stalled: dict[str, Exception] = {}
        """Why subscriptions stayed behind in the last `run_once`, by name."""
        self._positions: dict[str, At] = {}
        self._hears: dict[str, str] = {}
        self._mirrored: dict[str, int] = {}
        self._mirrored_at = 0.0
        self._careful_until: dict[str, int] = {}
        self._stale, self._idle = True, False
        self._loaded_at = 0.0
        self._rows = get_settings().batch_rows
        self._troubles = 0
        self._broken = ""

    def run_once(self, *, careful: bool = False, news: bool = False) -> int:
        """Handle one batch for each group.

        careful: as many events as a batch has run one at a time, now and in the next calls.
        news: there is a new event, so the cursors are not looked up first; if somebody moved one,
            the batch will not commit.

        Returns: how many events the groups moved past; 0 too if this partition needs a person.
        Raises: StreamUnavailable: Redis did not answer; call again.
        """
        self.stalled.clear()
        try:
            if self._stale or (self._idle and not news) or self._may_go_on():
                self._positions = self._load()
            self._stale = self._idle = False
            moved = self._run_groups(careful)
        except (HistoryGone, LogMismatch, StreamSpoiled) as error:
            if str(error) != self._broken:
                logger.error("%s", error)  # noqa: TRY400 - its message says it all
            self._broken = str(error)
            self.stalled |= dict.fromkeys(self._subscriptions, error)
            self.forget_positions()
            return 0
        self._broken = ""
        return moved

    @property
    def stands(self) -> bool:
        """Does it need a person?"""
        return bool(self._broken)

    def news_after(self) -> int | None:
        """The position after which there is news; None if only time helps."""
        if self._broken:
            return None
        awake = (at for name, at in self._positions.items() if self._goes_on(name, at))
        return max((at.position for at in awake), default=None)

    def mirror(self) -> None:
        """Report the cursors to the log's owner, and show them in Redis for monitoring.

        Now and then also those that stand still: Redis may have forgotten.
        """
        positions = {name: at.position for name, at in self._positions.items()}
        lately = time.monotonic() - self._mirrored_at < stream.REPORT_EVERY_S
        if not positions or self._stale or (lately and positions == self._mirrored):
            return
        try:
            stream.report(self.place, positions)
            for name, position in positions.items():
                stream.mirror(self.place, name, position)
        except StreamRefused as refused:  # nothing that is handled rests on it
            inbound.ignore(f"{self.place[0]}.{self.place[1]}", f"took no report: {refused}")
        self._mirrored, self._mirrored_at = positions, time.monotonic()

    def forget_positions(self) -> None:
        """Read the cursors again: somebody else may have moved them."""
        self._stale = True

    def died_here(self) -> bool:
        """Did a consumer die here while it was careful? Redis may have forgotten; we have not."""
        return note.exist(self._subscriptions.keys(), self.place, self._database)

    def _run_groups(self, careful: bool) -> int:
        if careful:
            rows = get_settings().batch_rows
            self._careful_until = {name: at.position + rows for name, at in self._positions.items()}
        moved = sum(self._run_group(at, group) for at, group in self._groups().items())
        if not moved:
            self._careful_until.clear()
            self._idle = True
        return moved

    def _goes_on(self, name: str, at: At) -> bool:
        return not at.paused and not self._pauses.rests(name)

    def _may_go_on(self) -> bool:
        """A person may have resumed a subscription, or decided what one that is new is."""
        refused = len(self._positions) < len(self._subscriptions)
        paused = any(at.paused for at in self._positions.values())
        return (paused or refused) and time.monotonic() - self._loaded_at > LOOK_AGAIN_S

    def _load(self) -> dict[str, At]:
        self._loaded_at = time.monotonic()
        stands = self._stands()
        if any(self._is_new(each, stands) for each in self._subscriptions.values()):
            self._declare()
            ours = self._subscriptions
            stands = {n: s for n, s in self._stands().items() if not self._is_new(ours[n], {n: s})}
        self._hears = {name: stand.hears for name, stand in stands.items()}
        known = {name: stand.at for name, stand in stands.items()}
        for name, hears in self._hears.items():
            if types := hearing.unknown(self._subscriptions[name], hears):
                more = hearing.more(self._subscriptions[name], types)
                hearing.tell_once(logging.WARNING, more)
        note.tidy(known, self.place, self._database)
        return known

    def _stands(self) -> dict[str, Stand]:
        return cursor.stands(self._subscriptions.keys(), self.place, self._database)

    def _is_new(self, each: Subscription, stands: Mapping[str, Stand]) -> bool:
        """It has no cursor here, or one that says nothing of a type that it hears."""
        stand = stands.get(each.name)
        return stand is None or hearing.lacks(each, self.place[0], stand.hears)

    def _declare(self) -> None:
        hearing.declare(list(self._subscriptions.values()), self._database)
        for name in self._subscriptions.keys() - self._stands().keys():
            subscription = self._subscriptions[name]
            if names := hearing.predecessors(subscription):
                hearing.tell_once(logging.ERROR, hearing.refusal(subscription, names))
            else:
                self._begin(subscription)

    def _begin(self, subscription: Subscription) -> None:
        """Give a subscription its cursors: a new one everywhere at once, so that none is later."""
        name, context = subscription.name, self.place[0]
        firsts = {self.place: BEGINNING}  # all of a new partition, for those who hear the others
        if not cursor.by_partition(name, context, self._database):
            count = max(history.partitions(self._context, context), self.place[1] + 1)
            places = [(context, number) for number in range(count)]
            firsts = {place: self._first_position(subscription, place) for place in places}
        hears = hearing.declared(subscription, context)
        with transaction.atomic(using=self._database):
            for place, at in firsts.items():
                cursor.create(name, place, at, self._database, hears)

    def _first_position(self, subscription: Subscription, place: Place) -> At:
        if subscription.start == "beginning":
            return BEGINNING
        return At(history.extent(self._context, place).head)

    def _groups(self) -> dict[At, list[Subscription]]:
        groups: dict[At, list[Subscription]] = defaultdict(list)
        for name, at in self._positions.items():
            if self._goes_on(name, at):
                groups[at].append(self._subscriptions[name])
        return groups

    def _run_group(self, at: At, group: Sequence[Subscription]) -> int:
        careful = any(at.position < self._careful_until.get(each.name, 0) for each in group)
        try:
            limit = min(self._rows, get_settings().batch_rows)
            read = self._source.read(at, min(CAREFUL_ROWS, limit) if careful else limit)
        except LookupFailed as error:
            self._pause(group, error)
            return 0
        events = up_to_fence(read)
        if events and (self._broken or events[0].type == FENCE):
            # Before handlers run in vain again and again, or a fence creates cursors.
            compare(self._context, self.place, events[-1])
        shares = self._shares(group, events) if events else []
        if not shares:
            return 0
        stretch = Stretch(self.place, at, At(events[-1].position, events[-1].id))
        began = time.time()
        try:
            with self._guard(), self._span(shares):
                reach("consumer: read")
                reached = self._handle(shares, stretch, careful)
        except CursorMoved as moved:
            logger.info("%s", moved)
            self.forget_positions()
            return 0
        except BaseException:
            self.forget_positions()  # some subscriptions may have gone on
            raise
        reach("consumer: committed")
        times = (began, time.time())
        self._fit_rows(stretch, reached)
        for share in shares:
            to = self._positions[share.subscription.name] = reached[share.subscription.name]
            self._tell(share, range(at.position + 1, to.position + 1), times)
        return max(to.position for to in reached.values()) - at.position

    def _fit_rows(self, stretch: Stretch, reached: Reached) -> None:
        """Read no more the next time than there was time for; else more again."""
        done = min(to.position for to in reached.values()) - stretch.old.position
        if done < stretch.new.position - stretch.old.position:
            self._rows = max(done, 1)
        else:
            self._rows = min(self._rows * 2, get_settings().batch_rows)

    def _tell(self, share: Share, span: range, times: tuple[float, float]) -> None:
        """Leave a trace of a batch, and count it."""
        handled = [event for event in share.events if event.position in span]
        if not handled:
            return
        name = share.subscription.name
        trace.keep(name, self.place, span, times, share.gathered)
        types = (event.type for event in handled if share.subscription.hears(event))
        for type_, heard in Counter(types).items():
            tally.count("heard", f"{name} {type_}", heard)

    def _span(self, shares: Sequence[Share]) -> AbstractContextManager[object]:
        events = (event for share in shares for event in share.events)
        name = f"{self.place[0]}.{self.place[1]} for {self._context}"
        return spans.handling(name, (event.traceparent for event in events))

    def _handle(self, shares: Sequence[Share], stretch: Stretch, careful: bool) -> Reached:
        if not careful:
            try:
                reached = handle(shares, stretch)
            except (CursorMoved, LogMismatch):
                raise
            except Exception as error:
                self._troubles += 1
                if blame.says_trouble(error) and self._troubles <= blame.ELSEWHERE_MAX:
                    raise
                at = (*self.place, stretch.old.position)
                logger.info("%s.%s after %s: one at a time, because of %r", *at, error)
                database.drop_unusable()
            else:
                self._troubles = 0
                return reached
        return {share.subscription.name: handle_carefully(share, stretch) for share in shares}

    def _shares(
        self, group: Sequence[Subscription], events: Sequence[ReceivedEvent]
    ) -> list[Share]:
        """Each subscription's events with their lookups; who can't look up stays behind."""
        shares = []
        for subscription in group:
            if not is_open(subscription, events[0]):
                self._pauses.rest(subscription.name, REST_S)
                continue
            hears = self._hears[subscription.name]
            heard = [event for event in events if subscription.hears(event)]
            kept = heard
            if types := hearing.unknown(subscription, hears):
                kept = [each for each in events if subscription.hears(each) or each.type in types]
            gathered = Gathered()
            try:
                with gathering(gathered):
                    found = prefetch(subscription, heard) if subscription.via == "consumer" else {}
            except LookupFailed as error:
                self._pause([subscription], error)
                continue
            self._pauses.clear(subscription.name)
            shares.append(Share(subscription, kept, found, gathered, hears))
        return shares

    def _pause(self, group: Sequence[Subscription], error: Exception) -> None:
        for subscription in group:
            seconds = self._pauses.pause(subscription.name)
            self.stalled[subscription.name] = error
            logger.warning("%s rests for %.1f s: %s", subscription.name, seconds, error)
