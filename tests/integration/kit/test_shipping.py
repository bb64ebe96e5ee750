"""Ship: the stream is the log's copy, and Redis may lose it, keep it too long or be full."""

from datetime import datetime
from functools import partial
from uuid import uuid4

import msgspec
import pytest
from django.core.management import call_command
from django.utils import timezone

import carveout
from carveout.errors import LogMismatch
from carveout.eventlog import reader, relay, remote, sequencer
from carveout.eventlog.relay import Relay
from carveout.events.event import ENTRY_BYTES_MAX, PartitionRef
from carveout.management.workers import drain
from carveout.models import Layout, LoggedEvent, Partition
from carveout.redis import keys, streams
from tests.integration.kit import steps
from tests.integration.kit.threads import at_once
from tests.integration.kit.tickets.services import announce, moves, sell, sold

pytestmark = pytest.mark.usefixtures("kit")

PARTITION = PartitionRef("tickets", 0)
STREAM = keys.stream(PARTITION)
EARLIER_LIFE = "00000000-0000-0000-0000-000000000007"


@pytest.fixture
def redis(valkey):
    with valkey.client as client:
        yield client


def entry_ids(redis, key: str = STREAM) -> list[str]:
    return [entry_id for entry_id, _ in redis.xrange(key)]


def test_an_entry_at_a_position_equals_the_row_of_the_log(redis):
    sell("T-1", "T-2")
    steps.relay()
    for (entry_id, fields), row in zip(
        redis.xrange(STREAM), LoggedEvent.objects.using("kit").order_by("id"), strict=True
    ):
        assert entry_id == f"{row.position}-0"
        assert datetime.fromisoformat(fields.pop("time")) == row.time
        assert fields == {
            "specversion": "1.0",
            "id": str(row.event_id),
            "source": "/tickets",
            "type": "tickets.TicketSold",
            "subject": row.key,
            "datacontenttype": "application/json",
            "data": row.data,
            "correlationid": str(row.event_id),  # it is its own root
            "partition": "0",
        }
    assert streams.read(PARTITION, 0, 10).events == reader.read(*PARTITION, 0, 10)


def test_ids_are_positions(redis):
    announce(sold(12))
    steps.relay()
    assert entry_ids(redis) == [f"{position}-0" for position in range(1, 13)]


def test_a_repeated_ship_adds_nothing(redis):
    announce(sold(3))
    steps.relay()
    events = reader.rows(*PARTITION, 0, 10)
    log_range = reader.log_range(*PARTITION, 3)
    assert streams.append(PARTITION, log_range.identity, events, 100, (3, log_range.event_id)) == -1
    assert streams.append(PARTITION, log_range.identity, events, 100, (0, None)) == -1
    assert relay.ship(PARTITION, 10) == 0
    assert entry_ids(redis) == ["1-0", "2-0", "3-0"]


def test_two_relays_at_once_double_nothing(redis):
    announce(sold(40))
    sequencer.sequence("tickets", 100)
    accepted = at_once(*[partial(relay.ship, PARTITION, 100)] * 4)
    assert sum(accepted) == 40
    assert entry_ids(redis) == [f"{position}-0" for position in range(1, 41)]


def test_a_flushed_redis_is_filled_again(redis):
    announce(sold(4))
    steps.relay()
    redis.flushall()
    announce(sold(1, "U"))
    steps.relay()
    assert entry_ids(redis) == ["1-0", "2-0", "3-0", "4-0", "5-0"]


def test_a_lost_tail_is_filled_again(redis):
    announce(sold(4))
    sequencer.sequence("tickets", 100)
    streams.append(
        PARTITION,
        reader.log_range(*PARTITION).identity,
        reader.rows(*PARTITION, 0, 2),
        100,
        (0, None),
    )
    steps.relay()
    assert entry_ids(redis) == ["1-0", "2-0", "3-0", "4-0"]


def test_a_refill_reaches_no_further_back_than_the_stream_would(kit, redis):
    kit.set(STREAM_LENGTH=3)
    announce(sold(10))
    steps.relay()
    assert entry_ids(redis) == ["8-0", "9-0", "10-0"]


def test_streams_are_trimmed_and_the_log_is_not(kit, redis):
    kit.set(STREAM_LENGTH=100, BATCH_ROWS=50)
    for _ in range(10):
        announce(sold(50))
        steps.relay()
    # Redis trims whole nodes only: https://redis.io/docs/latest/commands/xtrim/
    assert 100 <= redis.xlen(STREAM) <= 250
    assert entry_ids(redis)[-1] == "500-0"
    assert LoggedEvent.objects.using("kit").count() == 500


def test_pruned_rows_do_not_stop_a_refill(redis):
    announce(sold(5))
    steps.relay()
    LoggedEvent.objects.using("kit").filter(position__lte=3).delete()
    redis.flushall()
    steps.relay()
    assert entry_ids(redis) == ["4-0", "5-0"]


def test_a_redis_that_is_away_loses_nothing(valkey, redis):
    announce(sold(2))
    valkey.stop()
    with pytest.raises(carveout.StreamUnavailable) as caught:
        steps.relay()
    assert caught.value.retryable
    valkey.start()
    steps.relay()
    assert entry_ids(redis) == ["1-0", "2-0"]


class TestAStreamThatIsNotTheLogs:
    """The database was restored or created anew while Redis was kept."""

    def test_ahead_of_the_log_says_what_to_do(self, redis):
        redis.xadd(STREAM, {"id": EARLIER_LIFE}, id="7-0")
        announce(sold(2))
        sequencer.sequence("tickets", 10)
        with pytest.raises(LogMismatch) as caught:
            relay.ship(PARTITION, 10)
        assert not caught.value.retryable
        told = str(caught.value)
        assert "ends at position 7, the log at 2" in told
        # What it says is enough to mend it.
        assert "manage.py epoch tickets" in told
        call_command("epoch", "tickets", "--yes")
        assert relay.ship(PARTITION, 10) == 2

    def test_a_new_log_does_not_go_into_the_stream_of_the_old(self, redis):
        announce(sold(2))
        steps.relay()
        LoggedEvent.objects.using("kit").all().delete()
        Partition.objects.using("kit").all().delete()
        Layout.objects.using("kit").all().delete()
        announce(sold(5, "U"))
        sequencer.sequence("tickets", 10)
        with pytest.raises(LogMismatch, match="is marked"):
            relay.ship(PARTITION, 10)
        assert entry_ids(redis) == ["1-0", "2-0"]

    def test_two_systems_on_one_redis_are_told_apart_by_the_mark(self):
        announce(sold(2))
        steps.relay()
        theirs = Partition.objects.using("kit").get().log_id
        Partition.objects.using("kit").update(log_id=uuid4())
        announce(sold(1, "U"))
        sequencer.sequence("tickets", 10)
        with pytest.raises(LogMismatch, match=f"it is marked {theirs}:1:") as caught:
            relay.ship(PARTITION, 10)
        told = str(caught.value)
        assert "another system uses this Redis database" in told
        assert "give each its own REDIS_URL, and do not run `epoch`" in told
        assert "`<log_id>:<epoch>:…` of a row in carveout_partition" in told

    def test_a_raised_epoch_is_another_log(self):
        announce(sold(1))
        steps.relay()
        Partition.objects.using("kit").update(epoch=2)
        announce(sold(1, "U"))
        sequencer.sequence("tickets", 10)
        with pytest.raises(LogMismatch, match="is marked"):
            relay.ship(PARTITION, 10)

    @pytest.mark.parametrize("difference", ["mark", "event", "stop"])
    def test_is_stopped_even_if_nothing_is_published(self, difference, redis):
        announce(sold(2))
        steps.relay()
        if difference == "mark":
            redis.set(keys.identity(PARTITION), f"{uuid4()}:1:begun")
        elif difference == "event":
            redis.delete(STREAM)
            redis.xadd(STREAM, {"id": EARLIER_LIFE}, id="2-0")
        else:  # Redis lost it
            Partition.objects.using("kit").update(stopped_at=timezone.now(), stopped_why="restored")
        assert steps.relay() == 0
        assert Partition.objects.using("kit").get().stopped_at
        is_marked = redis.get(keys.identity(PARTITION)).startswith(streams.STOPPED)
        assert is_marked == (difference != "mark")  # that one may belong to another system

    def test_stops_its_own_partition_only_and_is_reported_once(self, kit, redis, caplog):
        kit.change("tickets", partitions=2)
        redis.xadd(STREAM, {"id": EARLIER_LIFE}, id="999-0")
        announce(sold(20))
        running = Relay(["tickets"])
        running.run_once()
        running.run_once()
        other = LoggedEvent.objects.using("kit").filter(partition=1).count()
        assert len(entry_ids(redis, keys.stream(PartitionRef("tickets", 1)))) == other > 0
        assert entry_ids(redis) == ["999-0"]
        assert sum("does not belong to its log" in line for line in caplog.messages) == 1
        redis.delete(STREAM)
        drain(running)
        drain(Relay(["tickets"]))
        assert entry_ids(redis) == []
        call_command("epoch", "tickets", "--yes")
        drain(running)
        assert len(entry_ids(redis)) + other == 20


def test_a_stream_that_can_not_be_read_leaves_the_others_whole(kit, redis):
    kit.change("tickets", partitions=2)
    announce(sold(20))
    steps.relay()
    other = keys.stream(PartitionRef("tickets", 1))
    before = entry_ids(redis, other)
    redis.delete(STREAM, other)
    redis.set(STREAM, "somebody else's")
    assert steps.relay() == len(before) > 0
    assert entry_ids(redis, other) == before


def test_a_full_redis_takes_all_of_a_batch_or_nothing(redis):
    announce(sold(1))
    steps.relay()
    announce(moves("T-1", 50))
    used = redis.info("memory")["used_memory"]
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", used // 2)
    try:
        with pytest.raises(carveout.StreamUnavailable, match="memory"):
            steps.relay()
        assert entry_ids(redis) == ["1-0"]
    finally:
        redis.config_set("maxmemory", 0)
    steps.relay()
    assert entry_ids(redis) == [f"{position}-0" for position in range(1, 52)]


READABLE = {
    "id": "00000000-0000-0000-0000-000000000001",
    "source": "/tickets",
    "type": "tickets.TicketSold",
    "time": "2026-01-01",
    "data": "{}",
}


def repr_in_short(value: object) -> str:
    return repr(value)[-40:]


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "no uuid"},
        {"hello": "world"},
        {"id": "00000000-0000-0000-0000-000000000001", "time": "soon", "data": "{}"},
        {name: text for name, text in READABLE.items() if name != "type"},
        {**READABLE, "data": "{"},
        {**READABLE, "data": "[]"},
        {**READABLE, "data": '{"a":' * 10_000 + "1" + "}" * 10_000},
        {**READABLE, "carried": "[" * 10_000},
        {**READABLE, "source": "/desk"},
        {**READABLE, "partition": "1"},
        {**READABLE, "data": '{"a": "' + "x" * ENTRY_BYTES_MAX + '"}'},
        {**READABLE, "traceparent": "x" * ENTRY_BYTES_MAX},
    ],
    ids=repr_in_short,
)
def test_reading_stops_before_an_unreadable_entry(redis, fields):
    announce(sold(2))
    steps.relay()
    redis.xadd(STREAM, READABLE, id="3-0")
    assert len(streams.read(PARTITION, 2, 10).events) == 1
    redis.xdel(STREAM, "3-0")
    redis.xadd(STREAM, fields, id="4-0")
    assert streams.read(PARTITION, 3, 10).events == []
    redis.xadd(STREAM, READABLE, id="5-0")
    assert streams.read(PARTITION, 3, 10).events == []
    assert [event.position for event in streams.read(PARTITION, 0, 10).events] == [1, 2]


def test_reading_stops_before_a_foreign_entry_between_two_of_ours(redis):
    announce(sold(3))
    sequencer.sequence("tickets", 10)
    identity, rows = reader.log_range(*PARTITION).identity, reader.rows(*PARTITION, 0, 3)
    streams.append(PARTITION, identity, rows[:2], 100, (0, None))
    redis.xadd(STREAM, redis.xrange(STREAM, "2-0", "2-0")[0][1], id="2-5")
    redis.xadd(STREAM, redis.xrange(STREAM, "2-0", "2-0")[0][1], id="3-0")
    assert [event.position for event in streams.read(PARTITION, 0, 10).events] == [1, 2]


@pytest.mark.parametrize(
    "damage",
    [
        lambda redis: redis.xadd(STREAM, {"hello": "world"}, id="4-0"),
        lambda redis: redis.xadd(STREAM, {"id": "no uuid"}, id="999-0"),
        lambda redis: redis.xadd(STREAM, redis.xrange(STREAM, "3-0")[0][1], id="3-5"),
        lambda redis: redis.xdel(STREAM, "3-0"),
        lambda redis: redis.xtrim(STREAM, maxlen=0, approximate=False),
        lambda redis: redis.execute_command("XSETID", STREAM, "9-0"),
    ],
    ids=["no event", "far ahead", "between two", "deleted", "trimmed to nothing", "set ahead"],
)
@pytest.mark.parametrize("goes_on", [True, False], ids=["the same relay", "another relay"])
def test_an_end_that_tells_nothing_is_filled_again_without_a_person(redis, caplog, damage, goes_on):
    running = Relay(["tickets"])
    announce(sold(3))
    drained(running)
    mark = redis.get(keys.identity(PARTITION))
    damage(redis)
    announce(sold(1, "U"))
    drained(running if goes_on else Relay(["tickets"]))
    assert entry_ids(redis) == ["1-0", "2-0", "3-0", "4-0"]
    assert keys_in(redis) == ["T-1", "T-2", "T-3", "U-1"]
    assert redis.get(keys.identity(PARTITION)) != mark  # so that consumers look again
    [told] = [line for line in caplog.messages if "can't be compared" in line]
    assert "filled again" in told
    assert not Partition.objects.using("kit").exclude(stopped_at=None).exists()


def test_a_damaged_stream_of_another_log_is_left_alone(redis):
    announce(sold(2))
    steps.relay()
    redis.set(keys.identity(PARTITION), "other:1:x")
    redis.xadd(STREAM, {"hello": "world"}, id="3-0")
    announce(sold(1, "U"))
    steps.relay()
    assert entry_ids(redis) == ["1-0", "2-0", "3-0"]
    assert redis.get(keys.identity(PARTITION)) == "other:1:x"


def test_a_stream_that_ends_where_the_log_is_pruned_is_filled_again(redis):
    announce(sold(2))
    steps.relay()
    announce(sold(3, "U"))
    sequencer.sequence("tickets", 10)
    LoggedEvent.objects.using("kit").filter(position__lt=4).delete()
    steps.relay()
    assert keys_in(redis) == ["U-2", "U-3"]


def test_history_and_stream_tell_the_same():
    sell("T-1", "T-2", "T-3")
    steps.relay()
    told = msgspec.json.encode(remote.read("desk", PARTITION, 0, 10))
    assert told == msgspec.json.encode(streams.read(PARTITION, 0, 10).events)


def test_a_relay_that_is_up_to_date_does_nothing():
    announce(sold(2))
    running = Relay(["tickets"])
    assert running.run_once() == 4
    assert running.run_once() == 0
    running.close()


class TestARelayThatGoesOn:
    """It ships what it has just sequenced, if the stream ends right before; else it looks again."""

    @pytest.fixture
    def running(self, kit):
        running = Relay(["tickets"])
        announce(sold(3))
        drained(running)
        yield running
        running.close()

    def test_it_ships_in_order_and_reads_no_row_again(self, running, redis, monkeypatch):
        monkeypatch.setattr(reader, "rows", None)
        announce(sold(2, "U"))
        drained(running)
        assert keys_in(redis) == ["T-1", "T-2", "T-3", "U-1", "U-2"]

    def test_a_stream_that_was_lost_meanwhile_is_filled_again(self, running, redis):
        redis.flushall()
        announce(sold(1, "U"))
        drained(running)
        assert keys_in(redis) == ["T-1", "T-2", "T-3", "U-1"]

    def test_what_another_relay_sequenced_and_did_not_ship_is_not_left_out(self, running, redis):
        announce(sold(1, "U"))
        sequencer.sequence("tickets", 10)
        announce(sold(1, "V"))
        drained(running)
        assert keys_in(redis) == ["T-1", "T-2", "T-3", "U-1", "V-1"]

    def test_an_epoch_is_noticed(self, running, redis):
        call_command("epoch", "tickets", "--yes")
        announce(sold(1, "U"))
        drained(running)
        assert keys_in(redis) == ["T-1", "T-2", "T-3", "U-1"]
        head = Partition.objects.using("kit").get()
        assert redis.get(keys.identity(PARTITION)).startswith(f"{head.identity}:")

    def test_the_stream_of_another_log_is_not_added_to(self, running, redis, caplog):
        redis.set(keys.identity(PARTITION), "other:1:x")
        announce(sold(1, "U"))
        drained(running)
        assert keys_in(redis) == ["T-1", "T-2", "T-3"]
        assert "does not belong to its log" in caplog.text


def drained(running: Relay) -> None:
    while running.run_once():
        pass


def keys_in(redis) -> list[str]:
    return [fields["subject"] for _, fields in redis.xrange(STREAM)]
