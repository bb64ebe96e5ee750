"""A handler that ends its process, or never ends: given up at last, and in nobody's way."""

import os
import signal
import time
from datetime import timedelta

import pytest
from django.utils import timezone

import carveout
from carveout.consumers.consumer import Consumer
from carveout.consumers.partition import ONE_BY_ONE_ROWS
from carveout.models import Cursor, Delivery
from tests.integration.kit import steps
from tests.integration.kit.children import in_a_child
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, moves, sold

pytestmark = pytest.mark.usefixtures("kit")

LEASE_MS = 150
TEST = os.getpid()


@pytest.fixture(autouse=True)
def short_leases(kit):
    kit.set(LEASE_MS=LEASE_MS)


def consume_in_a_child() -> int:
    """A consumer in a process of its own. Returns: by which signal it ended; 0 if in peace."""
    ended_by = in_a_child(steps.consume)
    time.sleep(LEASE_MS * 1.2 / 1000)  # its lease runs out
    return ended_by


def die() -> None:
    """End the child with -9; the test itself only fails."""
    assert os.getpid() != TEST, "the handler was called again"
    os.kill(os.getpid(), signal.SIGKILL)


def states() -> list[tuple[str, str, int]]:
    rows = Delivery.objects.using("kit").order_by("position")
    return list(rows.values_list("key", "state", "attempts"))


def test_an_event_that_kills_its_consumer_is_given_up_and_the_others_arrive():
    @carveout.subscribe("tickets.TicketSold", max_attempts=2)
    def listen(event):
        if event.key == "T-2":
            die()
        note(event.key)

    announce(sold(4))
    steps.relay()
    assert consume_in_a_child() == signal.SIGKILL
    assert notes() == []  # the batch, as a whole
    for _ in range(2):
        assert consume_in_a_child() == signal.SIGKILL
        assert notes() == ["T-1"]
    steps.consume()
    assert notes() == ["T-1", "T-3", "T-4"]
    [(key, state, _)] = states()
    assert (key, state) == ("T-2", "dead")
    assert Cursor.objects.using("kit").get().position == 4


def test_after_a_death_a_whole_batch_runs_carefully_a_few_events_at_a_time():
    """So that a consumer that is told to stop meanwhile does so soon."""

    @carveout.subscribe("tickets.TicketSold", max_attempts=1)
    def listen(event):
        if event.key == "T-25":
            die()
        note(event.key)

    announce(sold(30))
    steps.relay()
    assert consume_in_a_child() == signal.SIGKILL
    assert consume_in_a_child() == signal.SIGKILL
    assert len(notes()) == 24
    consumer = Consumer(["desk"])
    assert consumer.run_once() == 6
    assert consumer.run_once() == 0
    consumer.close()
    assert len(notes()) == 29


def test_a_careful_run_is_short():
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        if os.getpid() != TEST:
            die()
        note(event.key)

    announce(sold(30))
    steps.relay()
    assert consume_in_a_child() == signal.SIGKILL
    consumer = Consumer(["desk"])
    assert consumer.run_once() == ONE_BY_ONE_ROWS
    later = [consumer.run_once() for _ in range(3)]
    consumer.close()
    assert later == [ONE_BY_ONE_ROWS, ONE_BY_ONE_ROWS, 0]


def test_an_event_that_kills_once_is_handled_by_the_next_consumer():
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        if event.key == "T-2" and os.getpid() != TEST:
            die()
        note(event.key)

    announce(sold(3))
    steps.relay()
    assert consume_in_a_child() == signal.SIGKILL
    steps.consume()
    assert notes() == ["T-1", "T-2", "T-3"]
    assert states() == []


def test_after_a_death_failures_are_parked_as_ever(kit):
    kit.set(RETRY_BASE_S=1000)

    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        if os.getpid() != TEST:
            die()
        if event.key == "T-2":
            raise ValueError
        note(event.key)

    announce(sold(3))
    steps.relay()
    assert consume_in_a_child() == signal.SIGKILL
    steps.consume()
    assert notes() == ["T-1", "T-3"]
    assert states() == [("T-2", "waiting", 1)]


def test_after_a_death_the_order_of_a_key_is_kept(kit):
    kit.set(RETRY_BASE_S=1000)

    @carveout.subscribe("tickets.TicketMoved", ordered=True)
    def follow(event):
        if os.getpid() != TEST:
            die()
        if event.seat == 2:
            raise ValueError
        note(event.seat)

    announce(moves("T-1", 4))
    steps.relay()
    assert consume_in_a_child() == signal.SIGKILL
    steps.consume()
    assert notes() == ["1"]
    assert [state for _, state, _ in states()] == ["waiting"] * 3


def test_a_consumer_that_ended_in_peace_leaves_no_careful_run():
    @carveout.subscribe("tickets.TicketSold", batch=True)
    def count(events):
        note(len(events))

    for prefix in ("T", "U"):
        announce(sold(3, prefix))
        steps.flow()
    assert notes() == ["3", "3"]


def test_a_handler_that_hangs_is_interrupted_and_parked(kit):
    kit.set(RETRY_BASE_S=1000)

    @carveout.subscribe("tickets.TicketSold", time_limit_s=0.1)
    def listen(event):
        if event.key == "T-1":
            time.sleep(20)
        note(event.key)

    announce(sold(2))
    steps.flow()
    assert notes() == ["T-2"]
    row = Delivery.objects.using("kit").get()
    assert row.error_type == "carveout.errors.HandlerTimedOut"
    assert "desk.listen took longer than its limit of 0.1 s" in row.error


def test_a_parked_event_that_kills_its_consumer_is_given_up():
    @carveout.subscribe("tickets.TicketSold", max_attempts=3)
    def listen(event):
        if os.getpid() != TEST:
            die()
        raise ValueError

    announce(sold(1))
    steps.flow()
    assert states() == [("T-1", "waiting", 1)]
    for _ in range(4):
        consume_in_a_child()
        long_ago = timezone.now() - timedelta(hours=1)
        Delivery.objects.using("kit").update(due_at=long_ago, claimed_until=long_ago)
    assert states() == [("T-1", "dead", 3)]
