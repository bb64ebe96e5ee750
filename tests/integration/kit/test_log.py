"""The log: positions without gaps, in the order of ids, however many write and sequence."""

import random
import threading
import time
from functools import partial

import msgspec
import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

import carveout
from carveout.errors import HistoryGone
from carveout.eventlog import reader, sequencer
from carveout.models import Layout, LoggedEvent, Partition
from tests.integration.kit.threads import at_once
from tests.integration.kit.tickets.events import TicketMoved
from tests.integration.kit.tickets.services import announce, moves, sold

pytestmark = pytest.mark.usefixtures("kit")

WRITERS = 4
EACH = 12


def positions() -> list[int]:
    rows = LoggedEvent.objects.using("kit").order_by("position")
    return list(rows.values_list("position", flat=True))


def write_with_pauses(key: str) -> None:
    """Publish one by one and commit late; one of five is rolled back."""
    chance = random.Random(key)
    for seat in range(EACH):
        with transaction.atomic(using="kit"):
            carveout.publish(TicketMoved(number=key, seat=seat))
            time.sleep(chance.uniform(0, 0.004))
            transaction.set_rollback(chance.random() < 0.2, using="kit")


def sequence_until(done: threading.Event) -> None:
    while not done.is_set():
        sequencer.sequence("tickets", 7)
        time.sleep(0.003)


def test_positions_have_no_gaps_whatever_the_order_of_commits():
    done = threading.Event()

    def write() -> None:
        try:
            at_once(*(partial(write_with_pauses, f"K-{number}") for number in range(WRITERS)))
        finally:
            done.set()

    at_once(write, partial(sequence_until, done), partial(sequence_until, done))
    while sequencer.sequence("tickets", 100):
        pass
    count = LoggedEvent.objects.using("kit").count()
    assert positions() == list(range(1, count + 1))
    assert Partition.objects.using("kit").get().head == count
    for number in range(WRITERS):
        rows = LoggedEvent.objects.using("kit").filter(key=f"K-{number}").order_by("position")
        ids = list(rows.values_list("id", flat=True))
        assert ids == sorted(ids)


def commit_late(number: int) -> None:
    """Publish in transactions that take from nothing to a tenth of a second."""
    chance = random.Random(number)
    for seat in range(6):
        with transaction.atomic(using="kit"):
            carveout.publish(TicketMoved(number=f"K-{number}", seat=seat))
            time.sleep(chance.uniform(0, 0.1))


def read_after_the_last_id(done: threading.Event, seen: set[int]) -> None:
    """A reader that takes ids for an order: what commits late under an earlier id is lost to it."""
    last, finished = 0, False
    while not finished:
        finished = done.is_set()
        rows = LoggedEvent.objects.using("kit").filter(id__gt=last)
        ids = sorted(rows.values_list("id", flat=True))
        seen.update(ids)
        last = ids[-1] if ids else last
        time.sleep(0.002)


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_sixteen_writers_who_commit_in_any_order_lose_nothing():
    """SQLite has only one writer at a time, who commits in the order of ids."""
    done, seen = threading.Event(), set[int]()

    def write() -> None:
        try:
            at_once(*(partial(commit_late, number) for number in range(16)))
        finally:
            done.set()

    at_once(write, partial(sequence_until, done), partial(read_after_the_last_id, done, seen))
    while sequencer.sequence("tickets", 100):
        pass
    assert positions() == list(range(1, 16 * 6 + 1))
    assert len(seen) < 16 * 6, "all committed in the order of their ids: this showed nothing"
    rows = LoggedEvent.objects.using("kit").order_by("position")
    of_key: dict[str, list[int]] = {}
    for key, data in rows.values_list("key", "data"):
        of_key.setdefault(key, []).append(msgspec.json.decode(data)["seat"])
    assert list(of_key.values()) == [list(range(6))] * 16


def test_positions_follow_the_ids():
    announce(moves("T-1", 5))
    sequencer.sequence("tickets", 100)
    rows = LoggedEvent.objects.using("kit").order_by("id")
    assert list(rows.values_list("position", flat=True)) == [1, 2, 3, 4, 5]


def test_a_late_commit_gets_the_next_position_and_fills_no_hole():
    """An id that was taken early and committed late comes after what was sequenced meanwhile."""
    announce(moves("T-1", 2))
    early = LoggedEvent.objects.using("kit").order_by("id").first()
    early_id, early.id = early.id, None
    LoggedEvent.objects.using("kit").filter(id=early_id).delete()
    sequencer.sequence("tickets", 100)
    early.id = early_id
    early.save(using="kit", force_insert=True)
    assert sequencer.sequence("tickets", 100) == 1
    assert LoggedEvent.objects.using("kit").get(id=early_id).position == 2


def test_sequencing_twice_at_once_on_a_new_partition_doubles_nothing():
    for _ in range(5):
        announce(sold(10))
        at_once(*[partial(sequencer.sequence, "tickets", 100)] * 4)
        count = LoggedEvent.objects.using("kit").count()
        assert positions() == list(range(1, count + 1))
        LoggedEvent.objects.using("kit").all().delete()
        Partition.objects.using("kit").all().delete()
        Layout.objects.using("kit").all().delete()


def test_a_repeated_sequence_changes_nothing():
    announce(sold(3))
    assert sequencer.sequence("tickets", 100) == 3
    before = list(LoggedEvent.objects.using("kit").order_by("id").values_list("id", "position"))
    assert sequencer.sequence("tickets", 100) == 0
    after = list(LoggedEvent.objects.using("kit").order_by("id").values_list("id", "position"))
    assert after == before


def test_a_limit_leaves_the_rest_for_the_next_time():
    announce(sold(5))
    assert [sequencer.sequence("tickets", 2) for _ in range(4)] == [2, 2, 1, 0]
    assert positions() == [1, 2, 3, 4, 5]


def test_each_partition_counts_for_itself(kit):
    kit.change("tickets", partitions=3)
    announce(sold(30))
    sequencer.sequence("tickets", 100)
    for number in range(3):
        rows = LoggedEvent.objects.using("kit").filter(partition=number).order_by("position")
        found = list(rows.values_list("position", flat=True))
        assert found == list(range(1, len(found) + 1))
        assert found


def test_events_of_one_key_are_in_one_partition(kit):
    kit.change("tickets", partitions=8)
    announce(moves("T-1", 10))
    sequencer.sequence("tickets", 100)
    [partition] = LoggedEvent.objects.using("kit").values_list("partition", flat=True).distinct()
    assert partition is not None


def test_reading_gives_what_was_published():
    announce(moves("T-1", 3))
    sequencer.sequence("tickets", 100)
    second, third = reader.read("tickets", 0, 1, 100)
    assert (second.position, second.type, second.key) == (2, "tickets.TicketMoved", "T-1")
    assert (second.number, second.seat, third.seat) == ("T-1", 2, 3)
    assert second.time.tzinfo


def test_reading_past_pruned_events_is_loud():
    announce(sold(5))
    sequencer.sequence("tickets", 100)
    LoggedEvent.objects.using("kit").filter(position__lte=3).delete()
    with pytest.raises(HistoryGone, match="positions 2 to 3 are pruned"):
        reader.read("tickets", 0, 1, 100)
    assert [event.position for event in reader.read("tickets", 0, 3, 100)] == [4, 5]


def test_reading_is_loud_also_when_nothing_is_left():
    announce(sold(5))
    sequencer.sequence("tickets", 100)
    LoggedEvent.objects.using("kit").all().delete()
    with pytest.raises(HistoryGone, match="positions 4 to 5 are pruned"):
        reader.read("tickets", 0, 3, 100)
    assert reader.read("tickets", 0, 5, 100) == []


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_positions_are_given_too_where_the_server_binds_parameters(database):
    options = connections["kit"].settings_dict["OPTIONS"]
    connections["kit"].close()
    options["server_side_binding"] = True
    try:
        announce(sold(3))
        assert sequencer.sequence("tickets", 2) == 2
        assert sequencer.sequence("tickets", 2) == 1
    finally:
        connections["kit"].close()
        del options["server_side_binding"]
    assert [event.position for event in reader.read("tickets", 0, 0, 9)] == [1, 2, 3]


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_positions_are_given_too_where_a_driver_answers_the_last_statement_only(monkeypatch):
    """As psycopg2 does. That driver itself: `make versions VERSIONS="-e py312-dj52-psycopg2"`."""
    from django.db.backends.postgresql import psycopg_any

    monkeypatch.setattr(psycopg_any, "is_psycopg3", False)
    announce(sold(3))
    with CaptureQueriesContext(connections["kit"]) as captured:
        assert [sequencer.sequence("tickets", 2) for _ in range(3)] == [2, 1, 0]
    assert not [query for query in captured if ";" in query["sql"]]
    assert [event.position for event in reader.read("tickets", 0, 0, 9)] == [1, 2, 3]


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_in_a_log_without_events_nothing_is_given(database):
    assert [sequencer.sequence("tickets", 2) for _ in range(2)] == [0, 0]
