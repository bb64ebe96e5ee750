"""A person pauses a subscription: nothing of it is handled, others go on, and nothing is lost."""

import pytest
from django.core.management import call_command

import carveout
from carveout.consumers import partition
from carveout.consumers.consumer import Consumer
from carveout.deliveries import store
from carveout.events.event import PartitionRef
from carveout.models import Cursor, Delivery
from carveout.subscriptions import cursors, subscription
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.usefixtures("kit")


def hear(name: str, **options: object) -> None:
    def handler(event):
        note(f"{name} {event.key}")

    handler.__name__ = name
    carveout.subscribe("tickets.TicketSold", **options)(handler)


def pause(name: str = "desk.ear") -> None:
    assert cursors.pause(name, "maria", "the printer is on fire", "kit")


def resume(name: str = "desk.ear") -> None:
    assert cursors.resume(name, "kit")


@pytest.fixture
def heard(kit):
    """One event was heard by two subscriptions."""
    hear("ear")
    hear("eye")
    announce(sold(1))
    steps.flow()
    assert sorted(notes()) == ["ear T-1", "eye T-1"]


def test_a_paused_subscription_stands_still_while_others_go_on(heard):
    pause()
    announce(sold(3)[1:])
    steps.flow()
    assert sorted(notes()) == ["ear T-1", "eye T-1", "eye T-2", "eye T-3"]


def test_resumed_it_goes_on_with_nothing_lost_or_doubled(heard):
    pause()
    announce(sold(3)[1:])
    steps.flow()
    resume()
    steps.consume()
    assert sorted(notes()) == sorted(f"{who} T-{n}" for who in ("ear", "eye") for n in (1, 2, 3))


def test_a_batch_that_is_under_way_is_rolled_back(heard):
    del subscription.registry["desk.ear"]

    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        note(f"ear {event.key}")
        pause()  # here, since SQLite has only one transaction at a time

    announce(sold(2)[1:])
    steps.relay()
    running = Consumer(["desk"])
    running.run_once()
    running.close()
    assert sorted(notes()) == ["ear T-1", "eye T-1"]
    assert set(Cursor.objects.using("kit").values_list("position", flat=True)) == {1}


def test_a_running_consumer_stops_and_goes_on_by_itself(heard, monkeypatch):
    monkeypatch.setattr(partition, "LOOK_AGAIN_S", 0)
    running = Consumer(["desk"])
    running.run_once()
    pause()
    announce(sold(2)[1:])
    steps.relay()
    for _ in range(3):
        running.run_once()
    assert sorted(notes()) == ["ear T-1", "eye T-1", "eye T-2"]
    resume()
    for _ in range(3):
        running.run_once()
    running.close()
    assert sorted(notes()) == ["ear T-1", "ear T-2", "eye T-1", "eye T-2"]


def test_a_busy_consumer_sees_that_it_was_resumed(heard, monkeypatch):
    """Also while others always have news, so that the cursors are not looked up."""
    monkeypatch.setattr(partition, "LOOK_AGAIN_S", 0)
    pause()
    running = Consumer(["desk"])
    running.run_once()
    resume()
    announce(sold(2)[1:])
    steps.relay()
    running._news = True
    running.run_once()
    running._news = True
    running.run_once()
    running.close()
    assert "ear T-2" in notes()


def test_its_deliveries_are_not_tried(kit):
    kit.set(RETRY_BASE_S=1000)
    broken = [True]

    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        if broken:
            raise ValueError
        note(event.key)

    announce(sold(1))
    steps.flow()
    broken.clear()
    pause()
    store.retry(Delivery.objects.using("kit").all())
    steps.consume()
    (row,) = Delivery.objects.using("kit").all()
    assert steps.claim(row) is None
    assert notes() == []
    resume()
    steps.consume()
    assert notes() == ["T-1"]


def test_a_partition_that_comes_later_is_paused_too(kit):
    kit.change("tickets", partitions=1)
    hear("ear")
    announce(sold(1))
    steps.flow()
    pause()
    cursors.create("desk.ear", PartitionRef("tickets", 1), cursors.BEGINNING, "kit")
    assert not Cursor.objects.using("kit").filter(paused_at=None).exists()


def test_who_and_why_are_kept(heard):
    pause()
    row = Cursor.objects.using("kit").get(subscription="desk.ear")
    assert (row.paused_by, row.paused_why) == ("maria", "the printer is on fire")
    assert not cursors.pause("desk.nobody", "maria", "", "kit")


def test_the_doctor_says_that_it_is_paused(heard, capsys):
    pause()
    announce(sold(2)[1:])
    steps.relay()
    with pytest.raises(SystemExit):
        call_command("doctor")
    told = capsys.readouterr().out
    assert "desk.ear" in told
    assert "is paused by a person, 1 event behind" in told
