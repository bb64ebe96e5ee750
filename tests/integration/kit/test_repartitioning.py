"""A log is divided anew while events are in flight, and each key's events stay in order."""

import random
from collections import defaultdict

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

import carveout
from carveout.consumers import partition
from carveout.consumers.consumer import Consumer
from carveout.eventlog import reader, retention
from carveout.eventlog import repartition as barriers
from carveout.eventlog.partitions import SLOT_IN_SQL, SLOTS
from carveout.eventlog.relay import Relay
from carveout.eventlog.repartition import BARRIER
from carveout.events.event import PartitionRef
from carveout.management.workers import drain
from carveout.models import Delivery, LoggedEvent
from carveout.subscriptions import cursors
from carveout.subscriptions.cursors import BEGINNING, CursorPosition
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.events import TicketMoved
from tests.integration.kit.tickets.services import announce

KEYS = [f"C-{number}" for number in range(12)]


@pytest.fixture(autouse=True)
def small_batches(kit, monkeypatch):
    monkeypatch.setattr(partition, "WAIT_S", 0.001)
    kit.set(BATCH_ROWS=7)
    kit.change("tickets", partitions=2)


def listen(start="beginning"):
    @carveout.subscribe("tickets.TicketMoved", start=start, ordered=True)
    def hear(event):
        note(f"{event.key} {event.seat}")


def repartition(partitions: int) -> None:
    call_command("repartition", "tickets", to=partitions, yes=True, verbosity=0)


class Box:
    """Gives the same tickets another seat again and again."""

    def __init__(self) -> None:
        self.moved = 0

    def move(self) -> None:
        self.moved += 1
        announce(TicketMoved(number=key, seat=self.moved) for key in KEYS)


def heard() -> dict[str, list[int]]:
    by_key = defaultdict(list)
    for text in notes():
        key, seat = text.split()
        by_key[key].append(int(seat))
    return dict(by_key)


def in_order(rounds: int) -> dict[str, list[int]]:
    return {key: list(range(1, rounds + 1)) for key in KEYS}


@pytest.mark.parametrize("divisions", [(4,), (1,), (5, 3, 8)])
def test_what_is_in_flight_arrives_once_and_in_order(divisions):
    listen()
    box = Box()
    box.move()
    steps.flow()
    for partitions in divisions:
        box.move()
        steps.relay()
        box.move()
        repartition(partitions)
        box.move()
    steps.flow()
    steps.until(lambda: sum(map(len, heard().values())) == box.moved * len(KEYS))
    assert heard() == in_order(box.moved)
    assert reader.partition_count("tickets") == divisions[-1]


def test_keys_move_to_the_new_partitions():
    box = Box()
    box.move()
    steps.relay()
    repartition(4)
    box.move()
    steps.relay()
    events = LoggedEvent.objects.using("kit").exclude(type=BARRIER).order_by("id")
    places = [event.partition for event in events]
    assert set(places[: len(KEYS)]) == {0, 1}
    assert set(places[len(KEYS) :]) == {0, 1, 2, 3}


def test_a_partition_waits_at_the_barrier_for_the_others():
    listen()
    box = Box()
    box.move()
    steps.flow()
    box.move()
    steps.relay()
    repartition(4)
    box.move()
    steps.relay()
    before = len(notes())
    consumer = Consumer(["desk"])
    fast, slow = PartitionRef("tickets", 2), PartitionRef("tickets", 0)
    [context] = consumer._contexts
    cursors.create("desk.hear", fast, BEGINNING, "kit")
    for _ in range(20):
        context._run(fast, taken_over=False)
    assert len(notes()) == before
    assert cursors.by_partition("desk.hear", "tickets", "kit")[fast[1]] == 0
    for ref in (slow, PartitionRef("tickets", 1)):
        for _ in range(20):
            context._run(ref, taken_over=False)
    steps.until(lambda: heard() == in_order(box.moved))


def test_a_late_subscriber_waits_at_each_barrier_too():
    box = Box()
    for partitions in (4, 3):
        box.move()
        repartition(partitions)
    box.move()
    steps.relay()
    listen()
    steps.until(lambda: heard() == in_order(3))


def test_a_replay_across_a_barrier_keeps_the_order(kit):
    listen()
    box = Box()
    box.move()
    steps.flow()
    repartition(4)
    box.move()
    steps.relay()
    steps.until(lambda: heard() == in_order(2))
    call_command("replay", "desk.hear", "--from", "1", "--yes", verbosity=0)
    steps.until(lambda: len(notes()) == 4 * len(KEYS))
    assert heard() == {key: [1, 2, 1, 2] for key in KEYS}


def test_a_failed_event_keeps_the_later_ones_of_its_key_behind_it_in_another_partition():
    failing = set(KEYS[:6])

    @carveout.subscribe("tickets.TicketMoved", start="beginning", ordered=True, max_attempts=1_000)
    def hear(event):
        if event.key in failing:
            raise ValueError(event.key)
        note(f"{event.key} {event.seat}")

    box = Box()
    for partitions in (5, 2, 3):
        box.move()
        steps.relay()
        repartition(partitions)
    steps.relay()
    steps.until(lambda: len(notes()) == 3 * (len(KEYS) - 6))
    assert Delivery.objects.using("kit").count() == 3 * 6
    failing.clear()
    steps.until(lambda: heard() == in_order(3))


def test_nothing_is_pruned_that_a_subscription_before_the_barrier_has_to_come_to(valkey):
    box = Box()
    box.move()
    listen()
    steps.flow()
    repartition(4)
    box.move()
    steps.relay()
    for ref in reader.all_partitions(["tickets"]):
        cursors.create("desk.ahead", ref, CursorPosition(reader.log_range(*ref).head), "kit")
        retention.prune(ref, timezone.now())
    valkey.flush()
    steps.relay()
    steps.until(lambda: heard() == in_order(2))


def test_two_relays_and_divisions_at_random(kit):
    listen()
    box, rng = Box(), random.Random(7)
    relays = [Relay(["tickets"]) for _ in range(2)]
    consumers = [Consumer(["desk"]) for _ in range(2)]
    for _ in range(30):
        what = rng.choice(["move", "relay", "consume", "consume", "divide"])
        if what == "move":
            box.move()
        elif what == "relay":
            rng.choice(relays).run_once()
        elif what == "consume":
            rng.choice(consumers).run_once()
        elif (partitions := rng.randint(1, 6)) != reader.partition_count("tickets"):
            barriers.repartition("tickets", partitions)
    drain(relays[0])
    for consumer in consumers:
        consumer.close()
    steps.until(lambda: heard() == in_order(box.moved))


def test_a_relay_says_that_the_settings_changed(kit, caplog):
    reader.create_partitions("tickets")
    Relay(["tickets"]).start()
    assert "repartition" not in caplog.text
    kit.change("tickets", partitions=3)
    Relay(["tickets"]).start()
    assert "tickets has 2 partitions, but the settings have 3. Run `manage.py repart" in caplog.text


class TestTheCommand:
    def test_takes_the_number_from_the_settings(self, kit, capsys):
        reader.create_partitions("tickets")
        kit.change("tickets", partitions=3)
        call_command("repartition", "tickets", "--yes")
        assert "will have 3 partitions; it has 2 now" in capsys.readouterr().out
        assert reader.partition_count("tickets") == 3

    def test_refuses_what_would_change_nothing(self):
        with pytest.raises(CommandError, match=r"already has 2 partitions\. Change 'partitions'"):
            call_command("repartition", "tickets", "--yes")

    @pytest.mark.parametrize("number", ["-1", "16385"])
    def test_refuses_an_impossible_number(self, number):
        with pytest.raises(CommandError, match="the number must be from 1 to 16384"):
            call_command("repartition", "tickets", "--to", number, "--yes")

    def test_asks(self):
        with pytest.raises(
            CommandError, match=r"Nothing was done\. No terminal to ask on: pass --yes"
        ):
            call_command("repartition", "tickets", "--to", "5")
        assert reader.partition_count("tickets") == 2


def slot_of(key: str) -> int:
    with connections["kit"].cursor() as cursor:
        slot = SLOT_IN_SQL[connections["kit"].vendor]
        row = "(SELECT CAST(%s AS VARCHAR(255)) AS key) AS row"
        cursor.execute(f"SELECT {slot} FROM {row}", [key])  # noqa: S608 (our own expression)
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("key", "slot"), [("A-1", 12051), ("A-2", 12943), ("Ä", 3065), ("", 14572)]
)
def test_a_key_has_the_same_slot_in_every_database_and_release(key, slot):
    assert slot_of(key) == slot


def test_keys_that_are_alike_are_spread_over_all_partitions():
    slots = [slot_of(str(number)) for number in range(2_000)]
    assert all(0 <= slot < SLOTS for slot in slots)
    for partitions in (2, 3, 4, 16):
        shares = [sum(slot % partitions == each for slot in slots) for each in range(partitions)]
        assert min(shares) > 0.7 * len(slots) / partitions
