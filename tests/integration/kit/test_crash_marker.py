"""The marker of a batch: there while a process could die in one, and rarely written."""

import pytest

import carveout
from carveout.consumers import consumer as consumers
from carveout.consumers.consumer import Consumer
from carveout.consumers.crash_marker import CrashMarker, crashed_before
from carveout.errors import CursorMoved
from carveout.events.event import PartitionRef
from tests.integration.kit import steps
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.usefixtures("kit")

REF = PartitionRef("tickets", 0)


def is_there() -> bool:
    return crashed_before("desk", REF)


def fail(error: Exception, marker: CrashMarker) -> None:
    with pytest.raises(type(error)), marker.marking():
        raise error


@pytest.fixture
def running(monkeypatch):
    """A consumer whose second never passes, with a subscription that says what it saw."""
    monkeypatch.setattr(consumers, "MIRROR_EVERY_S", 1e9)
    seen = []

    @carveout.subscribe("tickets.TicketSold")
    def hear(event):
        seen.append(is_there())

    consumer = Consumer(["desk"])
    yield consumer, seen
    consumer.close()


def run(consumer: Consumer, number: int) -> None:
    announce(sold(1, f"seat {number}"))
    steps.relay()
    while consumer.run_once():
        pass


def test_it_is_written_once_for_batches_of_one_second(running, valkey):
    consumer, seen = running
    run(consumer, 1)
    with valkey.client as redis:
        before = redis.info("commandstats")["cmdstat_set"]["calls"]
        run(consumer, 2)
        run(consumer, 3)
        assert redis.info("commandstats")["cmdstat_set"]["calls"] == before
    assert seen == [True] * 3
    assert is_there()


def test_a_second_later_it_is_gone_and_the_next_batch_writes_it_again(running, monkeypatch):
    consumer, seen = running
    run(consumer, 1)
    monkeypatch.setattr(consumers, "MIRROR_EVERY_S", 0)
    consumer.run_once()
    assert not is_there()
    run(consumer, 2)
    assert seen == [True] * 2


def test_a_consumer_that_ends_or_gives_its_partitions_away_leaves_none(running):
    consumer, _ = running
    run(consumer, 1)
    assert is_there()
    consumer.close()
    assert not is_there()


def test_an_unexpected_error_leaves_it_until_a_batch_ended_well():
    marker = CrashMarker("desk", REF)
    fail(ZeroDivisionError(), marker)
    marker.remove()
    assert is_there()
    with marker.marking():
        pass
    marker.remove()
    assert not is_there()


def test_a_batch_that_another_consumer_did_first_leaves_none():
    marker = CrashMarker("desk", REF)
    fail(CursorMoved(), marker)
    assert not is_there()
