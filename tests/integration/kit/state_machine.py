"""The kit as a state machine: what may happen, in any order, and what must hold after each step.

Drives the real functions on a real Redis and database. Two relays and two consumers work on one
partition without leases, each may be interrupted between two steps, and Redis forgets.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from uuid import UUID

import redis
from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import carveout
from carveout.consumers.consumer import ContextConsumer
from carveout.consumers.crash_marker import CrashMarker
from carveout.consumers.partition import PartitionConsumer
from carveout.consumers.source import StreamSource
from carveout.errors import StreamUnavailable
from carveout.eventlog import retention
from carveout.eventlog.relay import Relay
from carveout.events.event import PartitionRef
from carveout.models import Cursor, Delivery, Layout, LoggedEvent, Partition, ReportedCursor
from carveout.subscriptions import cursors
from carveout.subscriptions.cursors import CursorPosition
from carveout.subscriptions.subscription import hosted
from tests.integration.kit.desk.models import Note, notes
from tests.integration.kit.forgetful import TROUBLES, ForgetfulRedis
from tests.integration.kit.interruptions import Died, Interruptions, in_transaction
from tests.integration.kit.tickets.events import TicketSold
from tests.integration.kit.tickets.services import announce
from tests.integration.kit.witness import Alarms, Ear, Unhandled, effect, is_bad

PARTITION = PartitionRef("tickets", 0)
TABLES = (Note, Layout, LoggedEvent, Partition, Cursor, ReportedCursor, Delivery)
RETRIES_MAX = 1_000

workers = st.integers(0, 1)
kinds_of_events = st.lists(st.sampled_from(["good", "good", "bad"]), min_size=1, max_size=4)
happenings = ["nothing", "no answer", "prune", "other relay", "other consumer", *TROUBLES]
interruptions = st.tuples(st.integers(1, 16), st.sampled_from([*happenings, *["die"] * 5]))


class Violated(AssertionError):
    """An invariant does not hold."""


class Kit(RuleBasedStateMachine):
    """One partition of tickets, and desk's only subscription, `hear`."""

    def __init__(self, client: redis.Redis, between: Interruptions, ear: Ear, alarms: Alarms):
        super().__init__()
        self.between, self.ear, self.alarms = between, ear, alarms
        self.redis = ForgetfulRedis(client, PARTITION)
        for table in TABLES:
            table.objects.using("kit").all().delete()
        self.ear.mended = False
        self.alarms.messages.clear()
        self.relays = [Relay(["tickets"]) for _ in range(2)]
        self.consumers = [consumer() for _ in range(2)]
        self.committed: list[str] = []
        self.log: list[tuple[UUID, str]] = []
        """Event and key by position, pruned ones too."""
        self.parked: set[int] = set()
        self.moved_to = self.notes_before = 0

    # -- What may happen -----------------------------------------------------------------------

    @rule(kinds=kinds_of_events)
    def publish(self, kinds: list[str]) -> None:
        keys = [f"{kind}-{number}" for number, kind in enumerate(kinds, len(self.committed))]
        announce(TicketSold(number=key) for key in keys)
        self.committed += keys

    @rule()
    def roll_back(self) -> None:
        with suppress(Unhandled), transaction.atomic(using="kit"):
            carveout.publish(TicketSold(number="rolled back"))
            raise Unhandled

    @rule(which=workers, interruption=interruptions)
    def relay(self, which: int, interruption: tuple[int, str]) -> None:
        with self._interrupted(interruption, self.relays, which, lambda: Relay(["tickets"])):
            self.relays[which].run_once()

    @rule(
        which=workers, interruption=interruptions, one_by_one=st.sampled_from([False, False, True])
    )
    def consume(self, which: int, interruption: tuple[int, str], one_by_one: bool) -> None:
        with self._interrupted(interruption, self.consumers, which, consumer):
            self.consumers[which].run_once(one_by_one=one_by_one)

    @rule(kinds=kinds_of_events, which=workers, interruption=interruptions)
    def publish_relay_and_consume(
        self, kinds: list[str], which: int, interruption: tuple[int, str]
    ) -> None:
        self.publish(kinds)
        self.relays[which].run_once()
        self.consume(which, interruption, one_by_one=False)

    @rule(trouble=st.sampled_from(TROUBLES))
    def suffer(self, trouble: str) -> None:
        self.redis.suffer(trouble)

    @rule()
    def prune(self) -> None:
        self._positions_have_no_gaps_and_never_change()  # nobody can see them afterwards
        retention.prune(PARTITION, timezone.now())

    @rule(share=st.floats(0, 1))
    @precondition(lambda self: position() is not None)
    def move(self, share: float) -> None:
        """A person moves the cursor, to anywhere that the log still leads on from."""
        pruned = len(self.log) - sequenced().count()
        to = round(pruned + share * (len(self.log) - pruned))
        cursors.move("desk.hear", PARTITION, CursorPosition(to), "kit")
        self.moved_to, self.notes_before = to, len(notes())

    @contextmanager
    def _interrupted(
        self, interruption: tuple[int, str], crew: list[Any], which: int, new: Callable[[], Any]
    ) -> Iterator[None]:
        """Who dies in the block is replaced by a new one."""
        at, what = interruption
        with suppress(StreamUnavailable), self.between.armed(at, partial(self._act, what, which)):
            try:
                yield
            except Died:
                crew[which] = new()

    def _act(self, what: str, which: int) -> None:
        if what == "die":
            raise Died
        if what == "no answer":
            raise StreamUnavailable
        if what in TROUBLES:
            self.redis.suffer(what)
        elif what != "nothing" and not in_transaction():
            self._let_others_work(what, 1 - which)

    def _let_others_work(self, what: str, other: int) -> None:
        if what == "prune":
            self.prune()
        elif what == "other relay":
            self.publish(["good"])
            self.relays[other].run_once()
        else:
            self.consumers[other].run_once()

    # -- What must hold ------------------------------------------------------------------------

    @invariant()
    def everything_holds(self) -> None:
        self._positions_have_no_gaps_and_never_change()
        self._entries_equal_the_rows_of_the_log()
        self._each_event_up_to_the_cursor_had_its_effect_once_and_in_order()
        demand(not self.alarms.messages, f"a false alarm: {self.alarms.messages}")

    def _positions_have_no_gaps_and_never_change(self) -> None:
        for at, event_id, key in sequenced().values_list("position", "event_id", "key"):
            if at == len(self.log) + 1:
                self.log.append((event_id, key))
            demand(at <= len(self.log), "a gap between positions")
            demand(self.log[at - 1] == (event_id, key), "a position changed")
        keys = [key for _, key in self.log]
        demand(keys == self.committed[: len(keys)], "an event of nobody, twice or out of order")

    def _entries_equal_the_rows_of_the_log(self) -> None:
        for at, event_id in self.redis.entries():
            equal = at <= len(self.log) and event_id == str(self.log[at - 1][0])
            demand(equal, "an entry is not the row at its position")

    def _each_event_up_to_the_cursor_had_its_effect_once_and_in_order(self) -> None:
        passed = range(self.moved_to + 1, (position() or 0) + 1)
        bad = {at for at in passed if is_bad(self.log[at - 1][1])}
        effects = [effect(at, self.log[at - 1][0]) for at in passed if at not in bad]
        demand(notes()[self.notes_before :] == effects, "effects lost, doubled or out of order")
        self.parked |= bad
        waiting = Delivery.objects.using("kit").filter(state=Delivery.State.WAITING)
        parked = sorted(waiting.values_list("position", flat=True))
        demand(parked == sorted(self.parked), "a failed event was lost or parked twice")

    # -- At the end everything is healed -------------------------------------------------------

    def teardown(self) -> None:
        for _ in range(len(self.committed) + 3):
            for worker in (*self.relays, *self.consumers):
                worker.run_once()
        self.everything_holds()
        demand(len(self.log) == len(self.committed), "a committed event got no position")
        demand((position() or 0) == len(self.log), "the cursor did not come to the end")
        self._retry_what_was_parked()

    def _retry_what_was_parked(self) -> None:
        self.ear.mended = True
        before = len(notes())
        for _ in range(RETRIES_MAX):
            if not Delivery.objects.using("kit").exists():
                break
            ContextConsumer("desk", hosted(["desk"])).run_due()
        retried = sorted(int(text.split()[0]) for text in notes()[before:])
        demand(retried == sorted(self.parked), "a parked event was lost or handled twice")


def consumer() -> PartitionConsumer:
    guard = CrashMarker("desk", PARTITION).marking
    return PartitionConsumer(PARTITION, hosted(["desk"]), StreamSource("desk", PARTITION), guard)


def sequenced():
    """The rows of the log that have a position, in order."""
    return LoggedEvent.objects.using("kit").exclude(position=None).order_by("position")


def position() -> int | None:
    """Where the cursor stands."""
    return Cursor.objects.using("kit").values_list("position", flat=True).first()


def demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Violated(otherwise)
