"""A log is restored while relays and consumers live: nothing is lost, nothing of no log is handled.

With one database, with one for each context, and with a deployment for each. A person comes late.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command

import carveout
from carveout.consumers import source
from carveout.consumers.consumer import Consumer
from carveout.eventlog import sequencer
from carveout.eventlog.relay import Relay
from carveout.events.event import PartitionRef
from carveout.models import Cursor, LoggedEvent, Partition
from carveout.redis import keys
from carveout.subscriptions import cursors
from carveout.testing import writable_copies
from tests.integration.kit.conftest import all_models
from tests.integration.kit.desk.models import Note
from tests.integration.kit.tickets.services import announce, sold
from tests.integration.kit.web import Tickets, serving

PARTITION = PartitionRef("tickets", 0)
STREAM = keys.stream(PARTITION)
ROWS = 5
COMMON = 10
"""Positions that the backup has."""


class World:
    """Tickets with its relay, and desk with its consumer."""

    def __init__(self, kit: Any, layout: str, desk: str) -> None:
        self.kit, self.layout, self.desk = kit, layout, desk
        self.relay, self.consumer = Relay(["tickets"]), Consumer(["desk"])
        self._backup: dict[Any, list[Any]] = {}

    @contextmanager
    def hosting(self, context: str) -> Iterator[None]:
        """Inside the block this is the process of a deployment of that context."""
        if self.layout != "split":
            yield
            return
        self.kit.set(HOSTED=[context])
        yield
        self.kit.set(HOSTED=["tickets", "desk"])

    def publish(self, count: int, prefix: str) -> None:
        with self.hosting("tickets"):
            announce(sold(count, prefix))

    def relays(self, rounds: int = 3) -> None:
        with self.hosting("tickets"):
            for _ in range(rounds):
                self.relay.run_once()

    def consumes(self, rounds: int = 8) -> None:
        with self.hosting("desk"):
            for _ in range(rounds):
                self.consumer.run_once()

    def restart_relay(self) -> None:
        self.relay.close()
        self.relay = Relay(["tickets"])

    def restart_consumer(self) -> None:
        self.consumer.close()
        self.consumer = Consumer(["desk"])

    def back_up(self) -> None:
        self._backup = {model: list(model.objects.using("kit")) for model in all_models()}

    def restore(self) -> None:
        """In the place of the living, as a restore into the same server or file is."""
        with writable_copies():
            for model, rows in self._backup.items():
                model.objects.using("kit").all().delete()
                model.objects.using("kit").bulk_create(rows)

    def epoch(self) -> None:
        with self.hosting("tickets"):
            call_command("epoch", "tickets", "--yes", verbosity=0)

    def replay(self, told: str) -> None:
        """Do what the consumer's error says, if it does. A person finds what is in common."""
        if command := re.search(r"`manage\.py (replay [^`]+)`", told):
            words = {"SUBSCRIPTION": "desk.hear", "POSITION": str(COMMON + 1)}
            with self.hosting("desk"):
                call_command(*[words.get(word, word) for word in command[1].split()], "--yes")

    def handled(self) -> list[str]:
        return list(Note.objects.using(self.desk).order_by("id").values_list("text", flat=True))

    def stands(self) -> bool:
        return Partition.objects.using("kit").exclude(stopped_at=None).exists()

    def close(self) -> None:
        self.relay.close()
        self.consumer.close()


@pytest.fixture(params=["one", "two", "split"])
def world(kit, request, settings) -> Iterator[World]:
    layout = request.param
    desk = "kit" if layout == "one" else request.getfixturevalue("of_desk")
    kit.set(BATCH_ROWS=ROWS)
    kit.change("desk", database=desk)

    @carveout.subscribe("tickets.TicketSold")
    def hear(event):
        Note.objects.using(desk).create(text=event.key)

    web = serving(Tickets(settings.CARVEOUT)) if layout == "split" else nullcontext("")
    with web as url:
        kit.change("tickets", url=f"{url}/internal" if url else "")
        ours = World(kit, layout, desk)
        yield ours
        ours.close()


@pytest.fixture
def redis(valkey):
    with valkey.client as client:
        yield client


def grows_slowly(world: World) -> None:
    world.publish(5, "N")
    world.relays()
    world.consumes()
    world.publish(15, "O")


def grows_fast(world: World) -> None:
    """Past the old stream at once."""
    world.publish(15, "N")
    world.publish(5, "O")


def grows_by_another_relay(world: World) -> None:
    """It gives positions up to where the old log ended, and dies before it ships."""
    world.publish(10, "N")
    sequencer.sequence("tickets", 100)
    world.publish(10, "O")


CASES = [
    (grows_slowly, 15, "nobody"),
    (grows_slowly, 20, "both"),
    (grows_fast, 20, "nobody"),
    (grows_fast, 15, "relay"),
    (grows_fast, 5, "consumer"),
    (grows_by_another_relay, 15, "nobody"),
]


def names(count: int, prefix: str) -> list[str]:
    return [event.number for event in sold(count, prefix)]


@pytest.mark.parametrize(
    ("grows", "passed", "restarted"), CASES, ids=lambda each: getattr(each, "__name__", str(each))
)
def test_a_restored_log_loses_nothing_and_nothing_of_the_lost_is_handled(
    world: World, redis, caplog, grows: Callable[[World], None], passed: int, restarted: str
):
    world.publish(COMMON, "T")
    world.relays()
    world.consumes(min(passed, COMMON) // ROWS)
    world.back_up()
    world.publish(10, "LOST")
    world.relays()
    world.consumes(max(passed - COMMON, 0) // ROWS)
    world.restore()
    before = world.handled()
    caplog.clear()
    if restarted in ("relay", "both"):
        world.restart_relay()
    if restarted in ("consumer", "both"):
        world.restart_consumer()
    if world.layout == "split" and restarted in ("nobody", "relay"):
        world.relays()  # nobody else can know that the log was restored
    world.consumes()
    grows(world)
    world.relays()
    world.consumes()
    redis.flushall()
    world.publish(5, "P")
    world.restart_relay()
    world.relays()
    world.consumes()
    assert redis.xlen(STREAM) == 0
    assert world.stands()
    assert "`manage.py epoch tickets`" in caplog.text
    new = [name for name in world.handled()[len(before) :] if name.startswith("T")]
    assert world.handled() == before + new

    world.epoch()
    world.relays()
    world.consumes(12)
    world.replay(caplog.text)
    world.consumes(12)
    restored = LoggedEvent.objects.using("kit").order_by("position").values_list("key", flat=True)
    assert not world.stands()
    assert world.handled()[len(before) :] == list(restored)[min(len(before), COMMON) :]
    entries = [(entry_id, fields["id"]) for entry_id, fields in redis.xrange(STREAM)]
    log = LoggedEvent.objects.using("kit").order_by("position")
    assert entries == [(f"{row.position}-0", str(row.event_id)) for row in log]


def test_a_restored_log_that_nobody_publishes_to_is_noticed_by_an_idle_relay(world: World):
    world.publish(3, "T")
    world.back_up()
    world.publish(3, "LOST")
    world.relays()
    world.restore()
    Partition.objects.using("kit").update(head=0)
    LoggedEvent.objects.using("kit").all().delete()
    world.relays(1)
    assert world.stands()
    world.consumes()
    assert world.handled() == []


class TestEntriesThatAreNotTheLogs:
    @pytest.fixture(autouse=True)
    def flowed(self, world: World):
        world.publish(3, "T")
        world.relays()
        world.consumes()

    def forge(self, redis) -> None:
        fields = redis.xrange(STREAM, "3-0")[0][1]
        redis.xadd(STREAM, fields | {"id": str(uuid4()), "data": '{"number": "forged"}'}, id="4-0")

    def test_a_forged_one_stops_the_partition_and_is_not_handled(
        self, world: World, redis, monkeypatch
    ):
        monkeypatch.setattr(source, "ASK_EVERY_S", 0.0)  # a consumer elsewhere asks now and then
        self.forge(redis)
        world.consumes()
        world.publish(2, "U")
        world.relays()
        world.consumes()
        assert world.handled() == names(3, "T")
        assert world.stands()
        world.epoch()
        world.relays()
        world.consumes()
        assert world.handled() == [*names(3, "T"), *names(2, "U")]

    def test_one_that_takes_the_place_of_another_is_not_handled(
        self, world: World, redis, monkeypatch
    ):
        monkeypatch.setattr(source, "ASK_EVERY_S", 0.0)
        world.publish(1, "U")
        with world.hosting("tickets"):
            sequencer.sequence("tickets", 10)
        self.forge(redis)
        world.consumes()
        assert world.handled() == names(3, "T")

    def test_the_stream_of_another_partition_is_not_handled(self, world: World, redis):
        world.kit.change("tickets", partitions=2)
        with world.hosting("tickets"):
            call_command("repartition", "tickets", to=2, yes=True, verbosity=0)
        world.publish(20, "U")
        world.relays()
        world.consumes()
        world.restart_consumer()
        world.consumes(20)
        before = world.handled()
        assert len(before) == 23
        other = keys.stream(PartitionRef("tickets", 1))
        redis.copy(other, STREAM, replace=True)  # as DUMP and RESTORE do
        at = Cursor.objects.using(world.desk).get(partition=0)
        with world.hosting("desk"):
            cursors.move("desk.hear", PARTITION, cursors.CursorPosition(1), world.desk)
        for _ in range(2):
            world.consumes()
            world.relays()
        assert at.position > 1
        again = set(
            LoggedEvent.objects.using("kit")
            .filter(partition=0, position__gt=1, type="tickets.TicketSold")
            .values_list("key", flat=True)
        )
        assert set(world.handled()[len(before) :]) <= again


def test_a_handler_does_not_run_in_vain_again_and_again(kit, redis):
    ran = []

    @carveout.subscribe("tickets.TicketSold")
    def hear(event):
        ran.append(event.key)

    world = World(kit, "one", "kit")
    world.publish(3, "T")
    world.relays()
    world.consumes()
    world.back_up()
    world.publish(1, "LOST")
    world.relays()
    world.restore()
    world.consumes(10)
    world.close()
    assert ran == [*names(3, "T"), "LOST-1"]
