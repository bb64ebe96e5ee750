"""A database that was restored, and history that is gone: loud, and there is a way out."""

import re

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

import carveout
from carveout.consumers.consumer import Consumer
from carveout.consumers.source import StreamSource
from carveout.errors import LogMismatch
from carveout.eventlog import reader as log_of
from carveout.eventlog import retention, sequencer
from carveout.eventlog.relay import Relay
from carveout.events.event import PartitionRef
from carveout.models import Cursor, Layout, LoggedEvent, Partition
from carveout.redis import keys, streams
from carveout.redis.streams import ReadResult
from carveout.subscriptions.cursors import CursorPosition
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.usefixtures("kit")

PARTITION = PartitionRef("tickets", 0)
STREAM = keys.stream(PARTITION)


@pytest.fixture(autouse=True)
def ear(kit):
    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        note(event.key)


def log():
    return LoggedEvent.objects.using("kit").order_by("position")


def restore(position: int) -> None:
    """The publisher's tables as they were when the log ended there."""
    log().filter(position__gt=position).delete()
    Partition.objects.using("kit").update(head=position)


def recreate() -> None:
    log().delete()
    Partition.objects.using("kit").all().delete()
    Layout.objects.using("kit").all().delete()


def epoch() -> None:
    call_command("epoch", "tickets", "--yes")


def follow(told: str, **values: object) -> None:
    """Do what an error says, as far as a command can be."""
    command = re.search(r"`manage\.py ([^`]+)`", told)
    assert command, told
    words = [str(values.get(word, word)) for word in command[1].split()]
    call_command(*words, "--yes")


def run_a_while(worker) -> None:
    try:
        for _ in range(3):
            worker.run_once()
    finally:
        worker.close()


class TestAfterARestore:
    """The log lost events 4 and 5, which desk had handled."""

    @pytest.fixture(autouse=True)
    def restored(self):
        announce(sold(5))
        steps.flow()
        restore(3)

    def test_the_relay_stops_that_partition_and_says_what_to_do(self, caplog):
        announce(sold(1, "U"))
        run_a_while(Relay(["tickets"]))
        told = [line for line in caplog.messages if "does not belong to its log" in line]
        assert len(told) == 1
        assert "`manage.py epoch tickets`" in told[0]

    def test_also_after_the_log_has_grown_past_the_stream(self, valkey, caplog):
        announce(sold(4, "U"))
        run_a_while(Relay(["tickets"]))
        assert "at position 5 it has another event" in caplog.text
        with valkey.client as redis:
            assert redis.xlen(STREAM) == 5

    def test_after_an_epoch_the_consumer_stops_and_says_what_to_do(self, caplog):
        announce(sold(4, "U"))
        epoch()
        steps.relay()
        run_a_while(Consumer(["desk"]))
        told = [line for line in caplog.messages if "was restored or recreated" in line]
        assert len(told) == 1
        assert "manage.py replay" in told[0]
        assert notes() == ["T-1", "T-2", "T-3", "T-4", "T-5"]

    def test_what_the_errors_say_makes_everything_flow(self, caplog):
        announce(sold(4, "U"))
        run_a_while(Relay(["tickets"]))
        follow(caplog.text)
        steps.relay()
        caplog.clear()
        run_a_while(Consumer(["desk"]))
        follow(caplog.text, SUBSCRIPTION="desk.ear", POSITION=4)
        steps.consume()
        assert notes() == [
            *("T-1", "T-2", "T-3", "T-4", "T-5"),
            *("U-1", "U-2", "U-3", "U-4"),
        ]

    def test_a_running_consumer_goes_on_after_the_replay(self):
        running = Consumer(["desk"])
        running.run_once()
        announce(sold(4, "U"))
        epoch()
        steps.relay()
        running.run_once()
        call_command("replay", "desk.ear", "--from", "4", "--yes")
        run_a_while(running)
        assert notes()[5:] == ["U-1", "U-2", "U-3", "U-4"]

    def test_a_subscriber_that_was_behind_goes_on_by_itself(self):
        Cursor.objects.using("kit").update(position=2, event_id=log().get(position=2).event_id)
        announce(sold(1, "U"))
        epoch()
        steps.flow()
        assert notes()[5:] == ["T-3", "U-1"]


def test_after_a_new_database_everything_flows_from_the_beginning(caplog):
    announce(sold(3))
    steps.flow()
    recreate()
    announce(sold(5, "U"))
    run_a_while(Relay(["tickets"]))
    assert "does not belong to its log" in caplog.text
    epoch()
    steps.flow()
    assert notes() == ["T-1", "T-2", "T-3"]
    call_command("replay", "desk.ear", "--from", "1", "--yes")
    steps.consume()
    assert notes()[3:] == ["U-1", "U-2", "U-3", "U-4", "U-5"]


def test_an_epoch_without_need_doubles_nothing():
    announce(sold(3))
    steps.flow()
    epoch()
    announce(sold(5)[3:])
    steps.flow()
    assert notes() == ["T-1", "T-2", "T-3", "T-4", "T-5"]


def test_what_a_relay_had_in_hand_before_an_epoch_is_refused_after_it(valkey):
    announce(sold(3))
    steps.relay()
    old, events = log_of.log_range(*PARTITION).identity, log_of.rows(*PARTITION, 0, 3)
    epoch()
    steps.relay()
    with pytest.raises(LogMismatch):
        streams.append(PARTITION, old, events, 100, (0, None))


def test_a_restore_between_an_epoch_and_the_first_entry_is_noticed_by_a_cursor(caplog):
    """The consumer has seen the epoch's mark, and compared its cursor with the log, before it."""
    announce(sold(3))
    steps.flow()
    running = Consumer(["desk"])
    epoch()
    running.run_once()
    restore(1)
    announce(sold(4, "U"))
    steps.relay()
    run_a_while(running)
    assert "the log holds another event at position 3" in caplog.text
    assert notes() == ["T-1", "T-2", "T-3"]


def test_a_gap_is_not_filled_from_a_log_that_the_cursor_did_not_move_in(valkey, caplog):
    announce(sold(4))
    steps.flow()
    running = Consumer(["desk"])
    running.run_once()
    announce(sold(2, "LOST"))
    steps.relay()
    restore(3)
    announce(sold(4, "U"))
    sequencer.sequence("tickets", 10)
    with valkey.client as redis:
        redis.xtrim(STREAM, maxlen=1, approximate=False)
    run_a_while(running)
    assert "the log holds another event at position 4" in caplog.text
    assert notes() == ["T-1", "T-2", "T-3", "T-4"]


def test_nothing_is_pruned_of_a_partition_that_has_stopped():
    announce(sold(5))
    steps.flow()
    restore(3)
    announce(sold(5, "U"))
    steps.relay()
    assert retention.prune(PARTITION, timezone.now()) == 0
    epoch()
    assert retention.prune(PARTITION, timezone.now()) > 0


def test_what_a_consumer_reads_while_the_stream_is_begun_anew_does_not_count(monkeypatch):
    announce(sold(3))
    steps.flow()
    source = StreamSource("desk", PARTITION)
    at = CursorPosition(3, log().get(position=3).event_id)
    assert source.read(at, 10) == []
    announce(sold(2, "U"))
    steps.relay()
    read = streams.read
    old = read(PARTITION, 3, 10)
    restore(3)
    announce(sold(1, "V"))
    epoch()
    steps.relay()

    def interrupted(ref, after, limit):
        """The entries were read just before the epoch, and the mark just after."""
        monkeypatch.setattr(streams, "read", read)
        return ReadResult(old.events, read(ref, after, limit).mark)

    monkeypatch.setattr(streams, "read", interrupted)
    assert [event.key for event in source.read(at, 10)] == ["V-1"]


def test_an_epoch_wants_a_yes():
    announce(sold(3))
    steps.flow()
    with pytest.raises(CommandError, match="Nothing was done"):
        call_command("epoch", "tickets")
    assert Partition.objects.using("kit").get().epoch == 1


def test_an_epoch_of_an_unknown_context_is_refused():
    with pytest.raises(CommandError, match="not hosted here"):
        call_command("epoch", "trains", "--yes")


def test_history_that_is_gone_is_loud_and_there_is_a_way_out(valkey, caplog):
    announce(sold(5))
    steps.relay()
    log().filter(position__lte=3).delete()
    with valkey.client as redis:
        redis.xtrim(STREAM, maxlen=2, approximate=False)
    run_a_while(Consumer(["desk"]))
    assert notes() == []
    told = [line for line in caplog.messages if "positions 1 to 3 are pruned" in line]
    assert len(told) == 1
    call_command("replay", "desk.ear", "--from", "4", "--yes")
    steps.consume()
    assert notes() == ["T-4", "T-5"]


def test_history_that_is_gone_can_be_brought_back(valkey):
    announce(sold(3))
    steps.relay()
    kept = list(log().filter(position__lte=2))
    log().filter(position__lte=2).delete()
    with valkey.client as redis:
        redis.xtrim(STREAM, maxlen=1, approximate=False)
    running = Consumer(["desk"])
    running.run_once()
    LoggedEvent.objects.using("kit").bulk_create(kept)
    run_a_while(running)
    assert notes() == ["T-1", "T-2", "T-3"]
