"""`carries=`: the representation travels in the event; the publisher's switch, nobody else's."""

import pytest

import carveout
from carveout.eventlog import publish
from carveout.events.event import PartitionRef
from carveout.models import Delivery, LoggedEvent
from carveout.redis import streams
from carveout.telemetry import counters
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketMistyped, TicketToBill, TicketToShow
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.events import TicketMoved, TicketSold
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import announce, sell, sold

pytestmark = pytest.mark.usefixtures("kit")


@pytest.fixture
def carries(monkeypatch):
    """Switch `carries=` of TicketSold on or off."""

    def switch(of: str) -> None:
        monkeypatch.setattr(TicketSold, "event_carries", of)

    switch("tickets.ticket")
    return switch


def show():
    @carveout.subscribe("tickets.TicketSold")
    def show_ticket(event, ticket: TicketToShow, money: TicketToBill):
        note(f"{ticket.title} {money.price} {money.seat.place}")


def test_nothing_is_looked_up(carries):
    show()
    sell("T-1", "T-2")
    steps.flow()
    assert notes() == ["Concert T-1 12.50 11", "Concert T-2 12.50 11"]
    assert counters.lookups() == {}


def test_switched_off_the_same_handler_looks_up(carries):
    show()
    carries("")
    sell("T-1", "T-2")
    steps.flow()
    assert notes() == ["Concert T-1 12.50 11", "Concert T-2 12.50 11"]
    assert counters.lookups() == {"desk tickets.ticket": 2}


def test_old_and_new_events_mix_in_one_batch(carries):
    show()
    carries("")
    sell("T-1")
    carries("tickets.ticket")
    sell("T-2")
    steps.flow()
    assert notes() == ["Concert T-1 12.50 11", "Concert T-2 12.50 11"]


def test_the_representation_is_that_of_the_transaction(carries):
    """Each event keeps its own, also beside a later one of its key."""

    @carveout.subscribe("tickets.TicketSold")
    def show_ticket(event, ticket: TicketToShow):
        note(ticket.title)

    sell("T-1")
    Ticket.objects.using("kit").update(title="moved")
    announce(sold(1))
    Ticket.objects.using("kit").update(title="too late")
    steps.flow()
    assert notes() == ["Concert T-1", "moved"]


def test_a_batch_handler_gets_what_travels(carries):
    @carveout.subscribe("tickets.TicketSold", batch=True)
    def show_tickets(deliveries: list[tuple[carveout.ReceivedEvent, TicketToShow]]):
        note(",".join(ticket.title for _, ticket in deliveries))

    sell("T-1", "T-2")
    steps.flow()
    assert notes() == ["Concert T-1,Concert T-2"]
    assert counters.lookups() == {}


def test_the_owner_may_be_away(carries, kit):
    show()
    sell("T-1")
    kit.set(LOOKUPS="http")
    kit.change("tickets", url="http://127.0.0.1:9/internal")
    steps.flow()
    assert notes() == ["Concert T-1 12.50 11"]


def test_it_travels_through_the_stream_the_log_and_a_parked_delivery(carries, valkey):
    tries = []

    @carveout.subscribe("tickets.TicketSold")
    def show_ticket(event, ticket: TicketToShow):
        tries.append(event.key)
        if len(tries) < 3:
            raise ValueError
        note(ticket.title)

    sell("T-1")
    steps.relay()
    [event] = streams.read(PartitionRef("tickets", 0), 0, 10).events
    assert (event.carries, event.carried["title"]) == ("tickets.ticket", "Concert T-1")
    with valkey.client as client:
        client.flushall()
    steps.flow()
    steps.until(lambda: not Delivery.objects.using("kit").exists())
    assert notes() == ["Concert T-1"]
    assert counters.lookups() == {}


def test_what_is_too_large_for_an_entry_is_refused_and_nothing_is_stored(carries, monkeypatch):
    monkeypatch.setattr(publish, "CARRIED_BYTES_MAX", 10)
    with pytest.raises(carveout.InvalidEvent, match=r"carries tickets.ticket 'T-1': \d+ bytes"):
        sell("T-1")
    assert not Ticket.objects.using("kit").exists()
    assert not LoggedEvent.objects.using("kit").exists()


def test_what_travels_is_not_taken_for_another_key(monkeypatch):
    """A reader that looks up by another field than the event's key."""

    class Neighbour(carveout.Lookup, of="tickets.ticket", by="seat"):
        title: str

    @carveout.subscribe("tickets.TicketMoved")
    def greet(event, neighbour: Neighbour):
        note(neighbour.title)

    sell("T-1", "7")
    monkeypatch.setattr(TicketMoved, "event_carries", "tickets.ticket")
    announce([TicketMoved(number="T-1", seat=7)])
    steps.flow()
    assert notes() == ["Concert 7"]


def test_a_reader_that_it_does_not_fit_parks_only_its_own_event(carries, kit):
    kit.set(RETRY_BASE_S=1000)

    @carveout.subscribe("tickets.TicketSold")
    def misread(event, ticket: TicketMistyped):
        note(ticket.title)

    @carveout.subscribe("tickets.TicketSold")
    def read(event, ticket: TicketToShow):
        note(ticket.title)

    sell("T-1")
    steps.flow()
    assert notes() == ["Concert T-1"]
    row = Delivery.objects.using("kit").get()
    assert row.subscription == "desk.misread"
    assert row.error_type == "carveout.errors.LookupRefused"


def test_an_event_about_nothing_is_not_stored(carries):
    with pytest.raises(carveout.InvalidEvent, match=r"has no 'T-9' in this transaction"):
        announce([TicketSold(number="T-9")])
    assert not LoggedEvent.objects.using("kit").exists()


def test_a_lookup_that_nobody_offers_is_told(carries):
    carries("tickets.tickte")
    with pytest.raises(carveout.InvalidEvent, match=r"carries 'tickets\.tickte', which is no"):
        sell("T-1")
    assert not Ticket.objects.using("kit").exists()


def test_a_lookup_by_a_field_that_the_event_lacks_parks_only_its_own_event(kit):
    kit.set(RETRY_BASE_S=1000)

    class ByColour(carveout.Lookup, of="tickets.ticket", by="colour"):
        title: str

    @carveout.subscribe("tickets.TicketSold")
    def paint(event, ticket: ByColour):
        note(ticket.title)

    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        note(event.key)

    sell("T-1")
    steps.flow()
    assert notes() == ["T-1"]
    row = Delivery.objects.using("kit").get()
    assert "tickets.TicketSold has no 'colour' to look it up by" in row.error
