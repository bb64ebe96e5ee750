"""`when=`: an event that a subscription does not want gets no delivery and no job."""

import logging

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections

import carveout
from carveout.models import Delivery
from carveout.redis.client import client
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketToShow
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sell, sold

pytestmark = pytest.mark.usefixtures("kit", "rq_signals")

QUEUE = "rq:queue:carveout-desk"


def printer(when, **options):
    """Declare a subscription that prints in jobs what `when` wants."""

    @carveout.subscribe("tickets.TicketSold", via="rq", when=when, **options)
    def print_ticket(event):
        note(event.key)


def deliveries() -> list[tuple[str, str]]:
    rows = Delivery.objects.using("kit").order_by("position")
    return list(rows.values_list("key", "state"))


def work() -> None:
    call_command("work", "desk", once=True, verbosity=0)


def test_only_what_is_wanted_gets_a_job():
    printer(lambda event: event.key == "T-2")
    announce(sold(3))
    steps.flow()
    assert deliveries() == [("T-2", "queued")]
    work()
    assert notes() == ["T-2"]


def test_nothing_wanted_is_no_job():
    printer(lambda event: None)
    announce(sold(3))
    steps.flow()
    assert deliveries() == []
    with client() as redis:
        assert not redis.exists(QUEUE)


def test_it_may_look_up():
    def is_first(ticket: TicketToShow):
        return ticket.title.endswith("T-1")

    printer(is_first)
    sell("T-1", "T-2")
    steps.flow()
    assert deliveries() == [("T-1", "queued")]


def test_if_it_raises_the_job_decides(caplog):
    printer(lambda event: 1 / (event.key != "T-2"))
    announce(sold(3))
    steps.flow()
    assert deliveries() == [(f"T-{number}", "queued") for number in (1, 2, 3)]
    [told] = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert "desk.print_ticket: its `when` failed on tickets.TicketSold T-2" in told
    assert "ZeroDivisionError" in told


def test_if_its_lookup_finds_nothing_the_job_decides():
    def is_shown(ticket: TicketToShow):
        return False

    printer(is_shown)
    announce(sold(1))  # nobody stored its ticket
    steps.flow()
    assert deliveries() == [("T-1", "queued")]


@pytest.mark.parametrize("spoil", ["caught", "raised", "closed"])
def test_one_that_spoils_the_transaction_loses_nothing(spoil):
    def spoils(event):
        if event.key != "T-2":
            return False
        if spoil == "closed":
            connections["kit"].close()
            return False
        try:
            with connections["kit"].cursor() as cursor:
                cursor.execute("SELECT nothing FROM nowhere")
        except DatabaseError:
            if spoil == "raised":
                raise
            connections["kit"].set_rollback(True)
        return False

    @carveout.subscribe("tickets.TicketSold")
    def beside(event):
        note(f"beside {event.key}")

    printer(spoils)
    announce(sold(3))
    steps.flow()
    assert notes() == [f"beside T-{number}" for number in (1, 2, 3)]
    assert [key for key, _ in deliveries()] == ["T-2"]


def test_if_its_lookup_is_not_answered_the_job_decides_and_nobody_waits(kit):
    def is_shown(ticket: TicketToShow):
        return False

    printer(is_shown)
    sell("T-1")
    steps.relay()
    kit.change("tickets", url="http://127.0.0.1:9/internal")
    kit.set(LOOKUPS="http")
    steps.consume()
    assert deliveries() == [("T-1", "queued")]
