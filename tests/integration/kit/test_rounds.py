"""A consumer's round is short, so that one which is told to stop does so soon; all have a turn."""

import pytest

import carveout
from carveout.consumers import consumer
from carveout.consumers.consumer import Consumer
from carveout.deliveries import store
from carveout.models import Delivery
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

EVENTS = 40
PARTITIONS = 4


@pytest.fixture(autouse=True)
def time_is_up_at_once(kit, monkeypatch):
    monkeypatch.setattr(consumer, "ROUND_S", 0.0)
    kit.change("tickets", partitions=PARTITIONS)


def rounds(running: Consumer) -> list[int]:
    """How much each round did, until nothing is left."""
    done = []
    while not done or done[-1]:
        done.append(running.run_once())
    running.close()
    return done


def test_when_time_is_up_the_next_round_goes_on_with_the_next_partition(kit):
    kit.set(BATCH_ROWS=2)
    turns = []

    @carveout.subscribe("tickets.TicketSold", batch=True)
    def listen(events):
        turns.append(events[0].partition)

    announce(sold(EVENTS))
    steps.relay()
    done = rounds(Consumer(["desk"]))
    assert sum(done) == EVENTS
    assert max(done) == 2
    assert turns[: 2 * PARTITIONS] == [*range(PARTITIONS)] * 2


def test_when_time_is_up_the_next_round_goes_on_with_the_next_delivery(monkeypatch):
    monkeypatch.setattr(consumer, "SWEEP_EVERY_S", 0.0)
    fails = True

    @carveout.subscribe("tickets.TicketSold", max_attempts=1)
    def listen(event):
        if fails:
            raise ValueError(event.key)
        note(event.key)

    announce(sold(3))
    steps.flow()
    store.retry(Delivery.objects.using("kit").all())
    fails = False
    assert rounds(Consumer(["desk"])) == [1, 1, 1, 0]
    assert sorted(notes()) == ["T-1", "T-2", "T-3"]
