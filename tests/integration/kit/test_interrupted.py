"""A relay between whose steps others work: tried at each moment."""

from collections.abc import Callable

import pytest
from django.utils import timezone

import carveout
from carveout.eventlog import retention
from carveout.eventlog.relay import Relay
from carveout.events.event import PartitionRef
from carveout.models import LoggedEvent
from carveout.redis import keys
from tests.integration.kit import steps
from tests.integration.kit.interruptions import Interruptions, in_transaction
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.usefixtures("kit")

PARTITION = PartitionRef("tickets", 0)
STREAM = keys.stream(PARTITION)
MOMENTS = range(1, 17)


@pytest.fixture
def redis(valkey):
    with valkey.client as client:
        yield client


@pytest.fixture
def relay_while(monkeypatch):
    """Lets a new relay run once, and something else happen at a moment in between."""
    between = Interruptions()
    between.install(monkeypatch)

    def run(at: int, act: Callable[[], object]) -> None:
        def unless_locked() -> None:
            if not in_transaction():
                act()

        with between.armed(at, unless_locked):
            Relay(["tickets"]).run_once()

    return run


def shipped(redis) -> int:
    return int(redis.xinfo_stream(STREAM)["last-generated-id"].split("-")[0])


@pytest.mark.parametrize("at", MOMENTS)
def test_a_relay_that_is_overtaken_raises_no_alarm(at, relay_while, redis, caplog):
    def overtake() -> None:
        announce(sold(1, "U"))
        steps.relay()

    announce(sold(2))
    steps.relay()
    relay_while(at, overtake)
    assert "does not belong to its log" not in caplog.text
    assert shipped(redis) == LoggedEvent.objects.using("kit").count()


@pytest.mark.parametrize("at", MOMENTS)
def test_a_log_that_is_pruned_meanwhile_stops_no_relay(at, relay_while, redis):
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        """Has nothing to do."""

    announce(sold(4))
    steps.flow()
    redis.flushall()
    relay_while(at, lambda: retention.prune(PARTITION, timezone.now()))
    steps.relay()
    assert shipped(redis) == 4


def test_a_newest_entry_that_is_lost_raises_no_alarm(redis, caplog):
    announce(sold(2))
    steps.relay()
    redis.xdel(STREAM, "2-0")
    announce(sold(1, "U"))
    steps.relay()
    assert "does not belong to its log" not in caplog.text
    assert shipped(redis) == 3
