"""Gaps, late subscribers and moved cursors: what the stream lacks comes from the log."""

from collections import defaultdict

import pytest

import carveout
from carveout.consumers.consumer import Consumer
from carveout.consumers.partition import PartitionConsumer
from carveout.consumers.source import StreamSource
from carveout.events.event import PartitionRef
from carveout.models import Cursor, Layout, LoggedEvent, Partition
from carveout.redis import keys, streams
from carveout.subscriptions.subscription import hosted
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.usefixtures("kit")

PARTITION = PartitionRef("tickets", 0)
STREAM = keys.stream(PARTITION)


@pytest.fixture
def redis(valkey):
    with valkey.client as client:
        yield client


def listening(name: str, **options):
    """Declare a subscription that notes its name and what it hears."""

    def handler(event):
        note(f"{name} {event.key}")

    handler.__name__ = name
    return carveout.subscribe("tickets.TicketSold", **options)(handler)


def heard(name: str) -> list[str]:
    return [text.split()[1] for text in notes() if text.startswith(f"{name} ")]


def keys(first: int, last: int) -> list[str]:
    return [f"T-{number}" for number in range(first, last + 1)]


def alone() -> PartitionConsumer:
    return PartitionConsumer(PARTITION, hosted(["desk"]), StreamSource("desk", PARTITION))


def test_a_trimmed_stream_is_repaired_from_the_log(redis):
    listening("ear")
    announce(sold(10))
    steps.relay()
    redis.xtrim(STREAM, maxlen=3, approximate=False)
    steps.consume()
    assert heard("ear") == keys(1, 10)


def test_no_batches_of_the_stream_are_read_in_vain_while_the_log_has_what_is_next(
    kit, redis, monkeypatch
):
    kit.set(BATCH_ROWS=4)
    listening("ear")
    announce(sold(20))
    steps.relay()
    redis.xtrim(STREAM, maxlen=6, approximate=False)
    asked: dict[int, list[int]] = defaultdict(list)
    read = streams.read

    def noted(ref, after, limit):
        asked[after].append(limit)
        return read(ref, after, limit)

    monkeypatch.setattr(streams, "read", noted)
    steps.consume()
    assert heard("ear") == keys(1, 20)
    assert {1} == set(asked[4] + asked[8] + asked[12])
    assert asked[16] == [1, 4]


def test_entries_that_come_between_the_two_looks_are_no_gap(monkeypatch, caplog):
    listening("ear")
    consumer = Consumer(["desk"])
    consumer.run_once()
    announce(sold(3))
    last_position = streams.last_position

    def shipped_just_now(ref):
        monkeypatch.setattr(streams, "last_position", last_position)
        steps.relay()
        return last_position(ref)

    monkeypatch.setattr(streams, "last_position", shipped_just_now)
    caplog.set_level("INFO")
    consumer.run_once()
    consumer.close()
    assert heard("ear") == keys(1, 3)
    assert "reading the log" not in caplog.text


def test_an_entry_that_redis_lost_is_read_from_the_log(redis):
    listening("ear")
    announce(sold(6))
    steps.relay()
    redis.xdel(STREAM, "3-0", "4-0")
    steps.consume()
    assert heard("ear") == keys(1, 6)


@pytest.mark.parametrize("fields", [{"id": "no uuid"}, {"hello": "world"}])
def test_an_entry_that_is_not_ours_is_replaced_by_the_log(redis, fields):
    listening("ear")
    announce(sold(3))
    steps.relay()
    redis.xadd(STREAM, fields, id="3-7")
    steps.consume()
    assert heard("ear") == keys(1, 3)


def test_a_garbled_entry_is_replaced_by_the_log(redis):
    listening("ear")
    announce(sold(3))
    steps.relay()
    redis.delete(STREAM)
    redis.xadd(STREAM, {"id": "garbled"}, id="1-0")
    redis.xadd(STREAM, {"id": "garbled"}, id="2-0")
    steps.flow()
    assert heard("ear") == keys(1, 3)


def test_an_empty_redis_is_filled_and_nothing_is_heard_twice(redis):
    listening("ear")
    announce(sold(3))
    steps.flow()
    redis.flushall()
    steps.consume()
    announce(sold(5)[3:])
    steps.flow()
    assert heard("ear") == keys(1, 5)


def test_a_late_subscriber_hears_all_of_history(kit):
    kit.set(STREAM_LENGTH=2, BATCH_ROWS=3)
    listening("early")
    announce(sold(10))
    steps.flow()
    listening("late")
    steps.flow()
    assert heard("late") == heard("early") == keys(1, 10)


def test_a_subscriber_from_now_hears_only_what_comes():
    listening("early")
    announce(sold(3))
    steps.flow()
    listening("late", start="now")
    steps.consume()
    announce(sold(5)[3:])
    steps.flow()
    assert heard("late") == ["T-4", "T-5"]
    assert heard("early") == keys(1, 5)


def test_a_subscriber_from_now_misses_nothing_while_it_is_away():
    listening("ear", start="now")
    steps.consume()
    announce(sold(3))
    steps.flow()
    assert heard("ear") == keys(1, 3)


def test_subscriptions_at_different_positions_meet(kit):
    kit.set(BATCH_ROWS=4)
    listening("one")
    announce(sold(6))
    steps.flow()
    listening("two")
    announce(sold(9)[6:])
    steps.relay()
    consumer = alone()
    groups = []
    while consumer.run_once():
        cursors = Cursor.objects.using("kit").values_list("position", flat=True)
        groups.append(len(set(cursors)))
    assert groups[0] == 2
    assert groups[-1] == 1
    assert heard("one") == heard("two") == keys(1, 9)


def test_a_cursor_moved_back_by_hand_replays():
    listening("ear")
    announce(sold(4))
    steps.flow()
    Cursor.objects.using("kit").update(position=2, event_id=None)
    steps.consume()
    assert heard("ear") == [*keys(1, 4), *keys(3, 4)]


def test_a_running_consumer_sees_a_cursor_that_was_moved_by_hand():
    listening("ear")
    announce(sold(4))
    steps.relay()
    consumer = alone()
    while consumer.run_once():
        pass
    Cursor.objects.using("kit").update(position=3, event_id=None)
    while consumer.run_once():
        pass
    assert heard("ear") == [*keys(1, 4), "T-4"]


def test_pruned_history_is_loud_and_stops_only_that_partition(kit, redis, caplog):
    kit.change("tickets", partitions=2)
    listening("ear")
    announce(sold(20))
    steps.relay()
    lost = LoggedEvent.objects.using("kit").filter(partition=0, position__lte=2)
    of_partition_1 = list(
        LoggedEvent.objects.using("kit")
        .filter(partition=1)
        .order_by("position")
        .values_list("key", flat=True)
    )
    redis.xtrim(STREAM, maxlen=1, approximate=False)
    lost.delete()
    consumer = Consumer(["desk"])
    consumer.run_once()
    consumer.run_once()
    consumer.close()
    assert heard("ear") == of_partition_1
    told = [line for line in caplog.messages if "positions 1 to 2 are pruned" in line]
    assert len(told) == 1


def test_a_row_that_was_made_unreadable_is_loud_and_stops_only_its_partition(redis, caplog):
    listening("ear")
    announce(sold(3))
    steps.relay()
    second = LoggedEvent.objects.using("kit").filter(position=2)
    as_it_was = second.get().data
    redis.flushall()
    second.update(data="{")
    steps.flow()
    assert heard("ear") == ["T-1"]
    assert any("row at position 2" in line and "unreadable" in line for line in caplog.messages)
    second.update(data=as_it_was)
    steps.flow()
    assert heard("ear") == keys(1, 3)


def test_a_log_that_begins_anew_behind_a_cursor_is_loud(redis, caplog):
    listening("ear")
    announce(sold(5))
    steps.flow()
    LoggedEvent.objects.using("kit").all().delete()
    Partition.objects.using("kit").all().delete()
    Layout.objects.using("kit").all().delete()
    redis.flushall()
    announce(sold(2))
    steps.relay()
    assert alone().run_once() == 0
    assert "desk has handled up to position 5, but the log ends before" in caplog.text


def test_a_lost_tail_is_no_mismatch(redis, caplog):
    """Redis came back without its last entries; the log has them, so there is nothing to say."""
    listening("ear")
    announce(sold(3))
    steps.flow()
    redis.delete(STREAM)
    assert alone().run_once() == 0
    assert "ends at position" not in caplog.text
