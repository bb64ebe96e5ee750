"""Redis did as told, and the reply never came: nothing is there twice, nothing is skipped."""

import pytest

import carveout
from carveout.conf import get_settings
from carveout.consumers.consumer import Consumer
from carveout.eventlog import reader
from carveout.events.event import PartitionRef
from carveout.models import LoggedEvent
from carveout.redis import client as connection
from carveout.redis import groups, keys, streams
from tests.chaos.proxy import Proxy
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

pytestmark = [
    pytest.mark.usefixtures("kit"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]

PARTITION = PartitionRef("tickets", 0)
STREAM = keys.stream(PARTITION)
SILENCE_S = 0.1


@pytest.fixture
def proxy(kit, valkey):
    """A proxy before Redis, which everybody goes through."""
    between = Proxy(valkey.port)
    kit.set(REDIS_URL=f"redis://127.0.0.1:{between.port}/0")
    yield between
    between.close()


@pytest.fixture
def redis(valkey):
    with valkey.client as client:
        yield client


@pytest.fixture(autouse=True)
def ear(kit):
    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        note(event.key)


@pytest.fixture
def losing_the_reply(proxy, monkeypatch):
    """Lets one function lose the reply to its next command. Gives: what to call."""

    def lose(name: str) -> None:
        module = streams if hasattr(streams, name) else groups
        command = getattr(module, name)

        def muted(*args):
            monkeypatch.setattr(module, name, command)
            proxy.mute(SILENCE_S)
            return command(*args)

        monkeypatch.setattr(module, name, muted)

    return lose


def test_a_lost_reply_to_xadd_adds_no_second_entry(redis, losing_the_reply):
    announce(sold(10))
    losing_the_reply("append")
    with pytest.raises(carveout.StreamUnavailable) as caught:
        steps.relay()
    assert caught.value.retryable
    assert redis.xlen(STREAM) == 10  # carried out all the same
    steps.relay()
    steps.relay()
    entries = redis.xrange(STREAM)
    rows = LoggedEvent.objects.using("kit").order_by("position")
    assert [fields["id"] for _, fields in entries] == [str(row.event_id) for row in rows]
    assert [entry_id for entry_id, _ in entries] == [f"{number}-0" for number in range(1, 11)]


def test_an_append_that_is_repeated_after_a_lost_reply_adds_nothing(redis, losing_the_reply):
    """Also where the caller does not look again what the stream has."""
    announce(sold(10))
    losing_the_reply("append")
    with pytest.raises(carveout.StreamUnavailable):
        steps.relay()
    events, log_range = reader.rows(*PARTITION, 0, 100), reader.log_range(*PARTITION, 10)
    assert streams.append(PARTITION, log_range.identity, events, 100, (0, None)) == -1
    assert (
        streams.append(PARTITION, log_range.identity, events, 100, (10, log_range.event_id)) == -1
    )
    assert redis.xlen(STREAM) == 10


@pytest.mark.parametrize(
    "name", ["last_position", "read", "wait", "report_cursors", "mirror_group"]
)
def test_a_lost_reply_skips_and_repeats_nothing(losing_the_reply, name):
    running = Consumer(["desk"])
    announce(sold(5))
    steps.relay()
    losing_the_reply(name)
    with pytest.raises(carveout.StreamUnavailable) as caught:
        for _ in range(20):
            running.run_once()
            running.wait()
            running._mirrored_at = 0.0
    assert caught.value.retryable
    announce(sold(5, "U"))
    steps.relay()
    running.run_once()
    running.run_once()
    running.close()
    assert notes() == [f"{prefix}-{number}" for prefix in "TU" for number in range(1, 6)]


def test_a_block_that_outlasts_the_socket_skips_nothing(kit, monkeypatch):
    """It can't happen with our own limits, so they are turned around here."""
    monkeypatch.setattr(connection, "REPLY_MARGIN_S", -0.9)
    kit.set(BLOCK_MS=1_000)
    running = Consumer(["desk"])
    announce(sold(2))
    steps.relay()
    running.run_once()
    with pytest.raises(carveout.StreamUnavailable):
        running.wait()
    announce(sold(2, "U"))
    steps.relay()
    running.run_once()
    running.close()
    assert notes() == ["T-1", "T-2", "U-1", "U-2"]


@pytest.mark.parametrize("block_ms", [1, 500, 5_000, 60_000])
@pytest.mark.parametrize("which", ["client", "fast_client", "jobs_client"])
def test_our_clients_outwait_a_block_and_repeat_nothing(kit, which, block_ms):
    kit.set(BLOCK_MS=block_ms)
    client = getattr(connection, which)()
    options = client.connection_pool.connection_kwargs
    assert options["protocol"] == 2
    assert options["retry"].get_retries() == 0
    assert client.get_retry().get_retries() == 0
    made = client.connection_pool.make_connection()
    assert made.retry.get_retries() == 0
    if which != "fast_client":  # which never blocks
        assert made.socket_timeout > get_settings().block_ms / 1000
