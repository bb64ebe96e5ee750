"""Tallies: what subscriptions heard, what failed and what was done later, by event type."""

import time

import pytest

import carveout
from carveout.redis import keys
from carveout.telemetry import counters
from tests.eventually import eventually
from tests.integration.kit import steps
from tests.integration.kit.tickets.services import announce, returned, sold

pytestmark = pytest.mark.usefixtures("kit")


def counts(kind: str) -> dict[str, int]:
    return {name: each.count for name, each in counters.read(kind).items()}


def test_it_is_counted_what_a_subscription_hears_and_when_last():
    @carveout.subscribe("tickets.TicketSold", "tickets.TicketReturned")
    def record(event): ...

    before = time.time()
    announce([*sold(2), returned("A")])
    steps.flow()

    assert counts("heard") == {
        "desk.record tickets.TicketSold": 2,
        "desk.record tickets.TicketReturned": 1,
    }
    last = counters.read("heard")["desk.record tickets.TicketSold"].last
    assert before - 1 <= last <= time.time() + 1


def test_a_failure_and_the_delivery_that_was_done_later_are_counted():
    troubles = [OSError("the printer is out of paper")]

    @carveout.subscribe("tickets.TicketSold")
    def print_it(event):
        if troubles and event.key == "T-2":
            raise troubles[0]

    announce(sold(2))
    steps.flow()
    assert set(counts("failed")) == {"desk.print_it tickets.TicketSold"}
    troubles.clear()
    steps.until(lambda: counts("done") == {"desk.print_it tickets.TicketSold": 1})


def test_counts_are_sent_by_themselves_and_few_commands_carry_many(valkey):
    def calls() -> list[int]:
        stats = valkey.client.info("commandstats")
        names = ("cmdstat_hincrby", "cmdstat_hset")
        return [stats.get(name, {"calls": 0})["calls"] for name in names]

    before = calls()
    for _ in range(1_000):
        counters.increment("heard", "desk.ear tickets.TicketSold")
        counters.increment("failed", "desk.ear tickets.TicketSold")
    eventually(lambda: valkey.client.hlen(keys.LAST_COUNTED) == 2)
    sold = valkey.client.hgetall(keys.counts("heard"))
    assert sold == {"desk.ear tickets.TicketSold": "1000"}
    assert [now - then for now, then in zip(calls(), before, strict=True)] == [2, 1]
