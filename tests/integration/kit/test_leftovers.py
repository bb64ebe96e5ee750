"""`carveout.testing.drain()` never returns as if all were well while an event was left."""

import pytest
from django.utils import timezone

import carveout
from carveout.errors import HandlerFailed
from carveout.models import Cursor, Delivery
from carveout.testing import drain
from tests.integration.kit.desk.lookups import TicketAsGuessed
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, moves, sell, sold

pytestmark = pytest.mark.usefixtures("kit")
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what asks the database nothing that others do not ask too."""


def told() -> str:
    with pytest.raises(HandlerFailed) as caught:
        drain()
    return str(caught.value)


def pause(subscription: str, *, on: bool = True) -> None:
    paused_at = timezone.now() if on else None
    Cursor.objects.using("kit").filter(subscription=subscription).update(paused_at=paused_at)


def test_a_paused_subscription_is_told_until_it_is_resumed():
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        note(event.key)

    announce(sold(1))
    drain()
    pause("desk.listen")
    announce(moves("T-1", 1))
    drain()  # it hears none of this, so nothing was left
    announce(sold(2, "U"))
    for _ in range(2):
        left = "Left: 2, first tickets.TicketSold 'U-1' at position 3."
        assert told() == f"desk.listen is paused. Resume it first. {left}"
    pause("desk.listen", on=False)
    drain()
    assert notes() == ["T-1", "U-1", "U-2"]


def test_what_waits_behind_a_failed_event_of_its_key_is_told():
    @carveout.subscribe("tickets.TicketMoved", ordered=True)
    def follow(event):
        if event.seat == 1:
            raise ValueError("no such seat")
        note(event.seat)

    announce(moves("T-1", 2))
    text = told()
    assert "ValueError: no such seat" in text
    what = "tickets.TicketMoved 'T-1' at position 2"
    behind = "it waits behind the event of the same key at position 1."
    assert text.endswith(f"\ndesk.follow was not called for {what}: {behind}")
    drain()  # as a failure, it is told once
    announce(moves("T-1", 1))
    assert "TicketMoved 'T-1' at position 3: it waits behind" in told()


@ONE_ENGINE
def test_a_job_behind_a_failed_one_and_one_that_is_paused_are_told():
    @carveout.subscribe("tickets.TicketMoved", via="rq", ordered=True)
    def follow(event):
        raise ValueError("no such seat")

    announce(moves("T-1", 2))
    assert "position 2: it waits behind the event of the same key at position 1." in told()
    Delivery.objects.using("kit").all().delete()
    pause("desk.follow")
    announce(moves("T-1", 1))
    assert told().startswith("desk.follow is paused. Resume it first. Left: 1, ")


@ONE_ENGINE
def test_a_subscription_of_a_context_that_is_not_hosted_is_told(kit):
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        note(event.key)

    kit.set(HOSTED=["tickets"])
    announce(moves("T-1", 1))
    drain()  # nobody wanted that
    announce(sold(1))
    assert told() == (
        "desk.listen was not called: its context desk is not hosted here, only tickets. Add it to"
        " CARVEOUT['HOSTED'] in the settings of this test. Left: 1, first tickets.TicketSold 'T-1'"
        " at position 2."
    )


@ONE_ENGINE
def test_a_subscription_that_did_not_begin_is_told():
    @carveout.subscribe("tickets.TicketSold", name="of_before")
    def listen(event):
        note(event.key)

    announce(sold(1))
    drain()
    del carveout.subscriptions.subscription.registry["desk.of_before"]
    carveout.subscribe("tickets.TicketSold", name="renamed")(listen)
    text = told()
    assert text.startswith("desk.renamed did not begin: ")
    assert "`manage.py rename desk.of_before desk.renamed`" in text


@ONE_ENGINE
def test_all_that_was_left_is_told_at_once():
    @carveout.subscribe("tickets.TicketSold")
    def show(event, ticket: TicketAsGuessed):
        """It asks for a field that is not offered."""

    @carveout.subscribe("tickets.TicketSold")
    def fail(event):
        raise ValueError("not today")

    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        note(event.key)

    announce(moves("T-1", 1))
    drain()
    pause("desk.listen")
    sell("T-1")
    text = told()
    for words in ("desk.show waits: LookupRefused: ", "ValueError: not today", "desk.listen is"):
        assert words in text
    assert text.count("desk.show") == 1
    assert notes() == []


@ONE_ENGINE
def test_inside_a_handler_nothing_is_told_yet():
    @carveout.subscribe("tickets.TicketSold")
    def publish_more(event):
        carveout.publish(moves(event.key, 1)[0])
        drain()

    @carveout.subscribe("tickets.TicketMoved")
    def follow(event):
        note(event.seat)

    announce(sold(1))
    drain()
    assert notes() == ["1"]
