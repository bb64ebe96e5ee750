"""Redis runs out of memory, evicts, or comes back with less than it had: the log fills it again."""

import pytest

import carveout
from carveout.eventlog.relay import Relay
from carveout.events.event import PartitionRef
from carveout.redis import keys
from tests.chaos.brittle import MODES, BrittleRedis
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

pytestmark = [
    pytest.mark.usefixtures("kit"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]

STREAM = keys.stream(PartitionRef("tickets", 0))
BATCH = 50
ROOMS = range(0, 80_000, 3_000)
"""Bytes that are left: nothing, a part of a batch, or all of it."""


@pytest.fixture(autouse=True)
def ear(kit):
    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        note(event.position)


@pytest.fixture
def redis(valkey):
    with valkey.client as client:
        before = client.config_get("maxmemory*")
        yield client
        for name in ("maxmemory", "maxmemory-policy"):
            client.config_set(name, before[name])


def entry_ids(redis) -> list[str]:
    return [entry_id for entry_id, _ in redis.xrange(STREAM)]


def expected(count: int) -> list[str]:
    return [str(position) for position in range(1, count + 1)]


def test_memory_that_ends_in_the_middle_of_a_batch_leaves_no_part_of_it(kit, redis):
    kit.set(BATCH_ROWS=BATCH)
    redis.config_set("maxmemory-policy", "noeviction")
    announce(sold(12 * BATCH))
    relay = Relay(["tickets"])
    refused, lengths = 0, []
    for room in ROOMS:
        redis.config_set("maxmemory", redis.info("memory")["used_memory"] + room)
        try:
            relay.run_once()
        except carveout.StreamUnavailable as error:
            assert "memory" in str(error)
            refused += 1
        lengths.append(redis.xlen(STREAM))
    relay.close()
    assert [length % BATCH for length in lengths] == [0] * len(ROOMS)
    assert 0 < refused < len(ROOMS)
    redis.config_set("maxmemory", 0)
    steps.flow()
    assert entry_ids(redis) == [f"{position}-0" for position in range(1, 12 * BATCH + 1)]
    assert notes() == expected(12 * BATCH)


def test_an_evicted_stream_is_filled_again(redis):
    announce(sold(50))
    steps.flow()
    redis.config_set("maxmemory-policy", "allkeys-lru")
    redis.config_set("maxmemory", 1)
    with pytest.raises(carveout.StreamUnavailable, match="memory"):
        announce_and_ship()
    redis.config_set("maxmemory", 0)
    assert redis.dbsize() == 0  # nothing that we keep there was spared
    steps.flow()
    assert redis.xlen(STREAM) == 60
    assert notes() == expected(60)


def announce_and_ship() -> None:
    announce(sold(10, "U"))
    steps.relay()


@pytest.mark.parametrize("mode", MODES)
def test_redis_killed_and_back_with_what_it_kept_skips_and_repeats_nothing(kit, mode):
    """It keeps nothing, snapshots, or an append-only file; the newest second may be missing."""
    redis = BrittleRedis(mode)
    try:
        kit.set(REDIS_URL=redis.url)
        for first in range(0, 60, 20):
            announce(sold(20, f"R{first}"))
            steps.relay()
            redis.restart()
            steps.flow()
            announce(sold(10, f"S{first}"))
            steps.flow()
        assert redis.client.xlen(STREAM) == 90
    finally:
        redis.close()
    assert notes() == expected(90)


@pytest.mark.parametrize("what", ["stream", "its mark", "both", "everything"])
def test_keys_deleted_while_a_consumer_is_behind_skip_and_repeat_nothing(redis, what):
    announce(sold(5))
    steps.flow()
    announce(sold(5, "U"))
    steps.relay()
    mark = keys.identity(PartitionRef("tickets", 0))
    deleted = {"stream": [STREAM], "its mark": [mark], "both": [STREAM, mark], "everything": ["*"]}
    for pattern in deleted[what]:
        redis.delete(*(redis.keys("*") if pattern == "*" else [pattern]))
    announce(sold(5, "V"))
    steps.flow()
    assert redis.xlen(STREAM) == 15
    assert notes() == expected(15)
