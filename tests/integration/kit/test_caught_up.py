"""Relay and consumer do not look again after a round that left nothing: they wait."""

from contextlib import closing

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

import carveout
from carveout.consumers.consumer import Consumer
from carveout.eventlog import relay
from carveout.eventlog.relay import Relay
from carveout.redis.wakeups import notify_relay
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

pytestmark = [
    pytest.mark.usefixtures("kit"),
    pytest.mark.parametrize("database", ["postgres"], indirect=True),
]


@pytest.fixture(autouse=True)
def record(kit):
    kit.set(BATCH_ROWS=4)

    @carveout.subscribe("tickets.TicketSold")
    def record(event):
        note(event.key)


@pytest.fixture
def consumer(record):
    with closing(Consumer(["desk"])) as ours:
        yield ours


@pytest.mark.parametrize(("events", "caught_up"), [(3, True), (4, False), (5, False)])
def test_a_consumer_has_caught_up_after_a_batch_that_was_not_full(events, caught_up, consumer):
    announce(sold(events))
    steps.relay()
    assert consumer.run_once() == min(events, 4)
    assert consumer.caught_up == caught_up


def test_one_that_waits_has_what_came_meanwhile(consumer):
    announce(sold(1))
    steps.relay()
    consumer.run_once()
    announce(sold(1, "U"))
    steps.relay()
    assert consumer.caught_up
    consumer.wait()
    consumer.run_once()
    assert notes() == ["T-1", "U-1"]


@pytest.mark.parametrize(("events", "caught_up"), [(3, True), (4, False), (5, False)])
def test_a_relay_has_caught_up_after_a_batch_that_was_not_full(events, caught_up, monkeypatch):
    monkeypatch.setattr(relay, "BATCHES_AT_ONCE", 1)
    announce(sold(1, "U"))
    steps.relay()  # the first events of a stream are added by the thorough way
    announce(sold(events))
    with closing(Relay(["tickets"])) as ours:
        assert ours.run_once() >= min(events, 4)
        assert ours.caught_up == caught_up


def test_a_relay_without_news_asks_for_all_partitions_at_once(kit):
    kit.change("tickets", partitions=5)
    kit.change("desk", partitions=5)
    announce(sold(20))
    with closing(Relay(["tickets", "desk"])) as ours:
        while ours.run_once():
            pass
        with CaptureQueriesContext(connections["kit"]) as queries:
            assert ours.run_once() == 0
    assert len(queries) == 2, [query["sql"] for query in queries]


def test_a_relay_looks_only_into_the_logs_of_those_who_woke_it(monkeypatch):
    monkeypatch.setattr(relay, "THOROUGH_EVERY_S", 1e9)
    announce(sold(1, "U"))
    steps.relay()
    with closing(Relay(["tickets", "desk"])) as ours:
        ours.run_once()
        for _ in range(3):
            ours.wait()  # the first ones subscribe
        announce(sold(1))
        wait_for("tickets", ours)
        assert ours.run_once() == 1
        notify_relay("desk")
        wait_for("desk", ours)
        with CaptureQueriesContext(connections["kit"]) as asked:
            ours.run_once()
        assert len(asked) == 1 and "'desk'" in asked[0]["sql"], asked.captured_queries


def wait_for(context: str, ours: Relay) -> None:
    for _ in range(20):
        ours.wait()
        if ours._woken:
            break
    assert ours._woken == {context}
