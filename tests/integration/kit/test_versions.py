"""Versions: what was stored, shipped or parked before a change arrives as of after it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.test import Client

import carveout
from carveout.deliveries import store
from carveout.errors import UpcastFailed
from carveout.eventlog import remote
from carveout.events import event, upcasters
from carveout.events.event import PartitionRef
from carveout.lookups import tokens
from carveout.models import Delivery, LoggedEvent
from carveout.redis import keys
from carveout.subscriptions import subscription
from carveout.testing import drain
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketToShow
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets import events
from tests.integration.kit.tickets.services import announce, moves, sell, sold
from tests.integration.kit.web import Owner, serving

pytestmark = pytest.mark.usefixtures("kit")

PARTITION = PartitionRef("tickets", 0)
STREAM = keys.stream(PARTITION)
AS_STORED = [(1, f'{{"number":"T-1","seat":{seat}}}') for seat in (1, 2, 3)]
IN_VERSION_2 = ["2: A1", "2: A2", "2: A3"]


@pytest.fixture
def redis(valkey):
    with valkey.client as client:
        yield client


def follow(**options):
    """What desk does about an event of any version."""

    @carveout.subscribe("tickets.TicketMoved", **options)
    def follow_ticket(event):
        note(f"{event.version}: {event.data.get('place', event.data.get('seat'))}")


def deploy_version_2() -> type[carveout.Event]:
    """From now on a seat is called a place."""

    event.registry.pop("tickets.TicketMoved", None)

    class TicketMoved(carveout.Event, key="number", version=2):
        """A ticket got another place."""

        __module__ = events.__name__

        number: str
        place: str

    @carveout.upcast("tickets.TicketMoved", version=1)
    def name_the_place(data):
        data["place"] = f"A{data.pop('seat')}"
        return data

    return TicketMoved


def deploy_a_mistake() -> None:
    @carveout.upcast("tickets.TicketMoved", version=1)
    def name_the_place(data):
        if data["seat"] == 2:
            raise ValueError("no such place")
        return {"number": data["number"], "place": f"A{data['seat']}"}


def mend() -> None:
    upcasters.registry.clear()
    deploy_version_2()


@contextmanager
def another_deployment() -> Iterator[None]:
    """Inside the block no upcaster is known."""
    known = dict(upcasters.registry)
    upcasters.registry.clear()
    try:
        yield
    finally:
        upcasters.registry.update(known)


def in_log() -> list[tuple[int, str]]:
    rows = LoggedEvent.objects.using("kit").order_by("id")
    return list(rows.values_list("version", "data"))


def entries(redis) -> list[tuple[str | None, str]]:
    return [(fields.get("dataversion"), fields["data"]) for _, fields in redis.xrange(STREAM)]


def parked() -> list[tuple[int, str]]:
    rows = Delivery.objects.using("kit").order_by("position")
    return list(rows.values_list("position", "error_type"))


def retry() -> None:
    store.retry(Delivery.objects.using("kit").all())
    steps.consume()


def test_a_version_is_stored_and_travels(redis):
    follow()
    announce(moves("T-1", 1))
    place = deploy_version_2()
    announce([place(number="T-1", place="B7")])
    with another_deployment():
        steps.flow()
    assert in_log() == [*AS_STORED[:1], (2, '{"number":"T-1","place":"B7"}')]
    assert entries(redis) == [
        (None, '{"number":"T-1","seat":1}'),
        ("2", '{"number":"T-1","place":"B7"}'),
    ]
    assert notes() == ["1: 1", "2: B7"]


class TestEventsOfBefore:
    """They were published at version 1; now the code is at version 2."""

    def test_a_replay_hears_them_in_the_newest_version(self, redis):
        follow()
        announce(moves("T-1", 3))
        steps.flow()
        assert notes() == ["1: 1", "1: 2", "1: 3"]
        deploy_version_2()
        call_command("replay", "desk.follow_ticket", "--from", "1", "--yes")
        steps.flow()
        assert notes()[3:] == IN_VERSION_2
        assert in_log() == AS_STORED

    def test_a_late_subscriber_hears_them_from_the_log(self, kit):
        kit.set(STREAM_LENGTH=1, BATCH_ROWS=2)
        announce(moves("T-1", 3))
        steps.relay()
        deploy_version_2()
        follow()
        steps.consume()
        assert notes() == IN_VERSION_2

    def test_the_relay_ships_them_in_the_newest_version(self, redis):
        follow()
        announce(moves("T-1", 2))
        steps.relay()
        redis.flushall()
        announce(moves("T-1", 3)[2:])
        deploy_version_2()
        steps.relay()
        assert entries(redis) == [("2", f'{{"number":"T-1","place":"A{n}"}}') for n in (1, 2, 3)]
        with another_deployment():
            steps.consume()
        assert notes() == IN_VERSION_2
        assert in_log() == AS_STORED

    def test_entries_that_are_in_the_stream_already_are_heard_in_it(self, redis):
        follow()
        announce(moves("T-1", 3))
        steps.relay()
        deploy_version_2()
        steps.consume()
        assert {version for version, _ in entries(redis)} == {None}
        assert notes() == IN_VERSION_2

    def test_a_parked_delivery_is_tried_in_it(self, kit):
        kit.set(RETRY_BASE_S=1000)

        @carveout.subscribe("tickets.TicketMoved")
        def follow_ticket(event):
            note(f"{event.version}: {event.place}")

        announce(moves("T-1", 3))
        steps.flow()
        assert (notes(), len(parked())) == ([], 3)
        deploy_version_2()
        retry()
        assert (sorted(notes()), parked()) == (IN_VERSION_2, [])

    def test_a_job_of_before_runs_in_it(self):
        follow(via="rq", ordered=True)
        announce(moves("T-1", 3))
        steps.flow()
        deploy_version_2()
        for row in Delivery.objects.using("kit").order_by("position"):
            steps.try_once(row)
        assert (notes(), parked()) == (IN_VERSION_2, [])

    def test_carried_state_stays_as_it_was(self, monkeypatch):
        @carveout.subscribe("tickets.TicketMoved")
        def show_ticket(event, ticket: TicketToShow):
            note(f"{event.version}: {event.place} {ticket.title}")

        sell("T-1")
        monkeypatch.setattr(events.TicketMoved, "event_carries", "tickets.ticket")
        announce(moves("T-1", 1))
        deploy_version_2()
        steps.flow()
        assert notes() == ["2: A1 Concert T-1"]

    @pytest.mark.parametrize("via", ["consumer", "rq"])
    def test_what_is_looked_up_by_a_new_field_is_found(self, via):
        class TicketOfPlace(carveout.Lookup, of="tickets.ticket", by="place"):
            title: str

        @carveout.subscribe("tickets.TicketMoved", via=via)
        def show_ticket(event, ticket: TicketOfPlace):
            note(ticket.title)

        sell("A1")
        announce(moves("T-1", 1))
        steps.relay()
        if via == "rq":
            steps.consume()
        deploy_version_2()
        steps.consume()
        for row in Delivery.objects.using("kit").all():
            steps.try_once(row)
        assert notes() == ["Concert A1"]

    def test_inline_delivery_hears_them_in_it(self, kit, valkey):
        valkey.stop()
        announce(moves("T-1", 2))
        place = deploy_version_2()
        follow()
        kit.set(DELIVERY="inline")
        announce([place(number="T-1", place="A3")])
        assert notes() == IN_VERSION_2

    def test_draining_hears_them_in_it(self):
        announce(moves("T-1", 3))
        deploy_version_2()
        follow()
        drain()
        assert notes() == IN_VERSION_2


class TestAnUpcasterThatFails:
    """The event is not lost, the others go on, and a mend is all it takes."""

    @pytest.fixture(autouse=True)
    def _patient(self, kit):
        kit.set(RETRY_BASE_S=1000)

    def test_the_relay_ships_the_event_as_it_is_stored(self, redis):
        announce(moves("T-1", 3))
        deploy_a_mistake()
        steps.relay()
        assert [version for version, _ in entries(redis)] == ["2", None, "2"]
        assert entries(redis)[1][1] == AS_STORED[1][1]

    @pytest.mark.parametrize("options", [{}, {"batch": True}, {"ordered": True}])
    def test_the_event_is_parked_and_tried_after_the_mend(self, options):
        @carveout.subscribe("tickets.TicketMoved", **options)
        def follow_ticket(event):
            for each in event if isinstance(event, list) else [event]:
                note(f"{each.version}: {each.place}")

        announce([move for ticket in "AB" for move in moves(ticket, 3)])
        deploy_a_mistake()
        steps.flow()
        failed = [
            position for position, error in parked() if error == "carveout.errors.UpcastFailed"
        ]
        assert failed == [2, 5]
        row = Delivery.objects.using("kit").get(position=2)
        assert "name_the_place can't turn data of version 1 into version 2" in row.error
        assert "no such place" in row.error
        mend()
        retry()
        if options.get("ordered"):
            retry()
        assert (sorted(notes()), parked()) == (sorted(IN_VERSION_2 * 2), [])

    def test_a_job_is_parked_and_runs_after_the_mend(self):
        follow(via="rq")
        announce(moves("T-1", 2)[1:])
        deploy_a_mistake()
        steps.flow()
        row = Delivery.objects.using("kit").get()
        steps.try_once(row)
        assert parked() == [(1, "carveout.errors.UpcastFailed")]
        mend()
        store.retry(Delivery.objects.using("kit").all())
        steps.try_once(row)
        assert (notes(), parked()) == (["2: A2"], [])

    def test_the_history_tells_it_as_it_is_stored(self):
        announce(moves("T-1", 3))
        steps.relay()
        deploy_a_mistake()
        told = remote.read("desk", PARTITION, 0, 10)
        assert [event.version for event in told] == [2, 1, 2]

    def test_draining_shows_it(self):
        follow()
        announce(moves("T-1", 3))
        deploy_a_mistake()
        with pytest.raises(carveout.CarveoutError, match=r"UpcastFailed: .*no such place"):
            drain()
        assert notes() == ["2: A1", "2: A3"]

    def test_a_row_that_was_changed_by_hand_is_parked(self):
        follow()
        announce(moves("T-1", 3))
        LoggedEvent.objects.using("kit").filter(data__contains='"seat":2').update(data="[]")
        deploy_version_2()
        drain_with_failures()
        assert notes() == ["2: A1", "2: A3"]


def drain_with_failures() -> None:
    with pytest.raises(carveout.CarveoutError, match="UpcastFailed"):
        drain()


class TestTwoDeployments:
    """Owner and subscriber are deployed one after the other."""

    @pytest.fixture
    def told(self, kit):
        """What the owner's internal events API answers, with the upcasters that are declared."""

        def tell() -> bytes:
            resource = "events/tickets/0/"
            signed = tokens.sign("desk", "tickets", "GET", resource)
            headers = {"Authorization": f"Bearer {signed}"}
            return Client().get(f"/internal/{resource}", headers=headers).content

        return tell

    def read_from(self, kit, answer: bytes) -> list[carveout.ReceivedEvent]:
        with serving(Owner(body=answer)) as url:
            kit.change("tickets", url=url)
            kit.set(HOSTED=["desk"])
            return remote.read("desk", PARTITION, 0, 10)

    def test_the_owners_history_is_in_its_newest_version(self, kit, told):
        announce(moves("T-1", 3))
        steps.relay()
        deploy_version_2()
        answer = told()
        with another_deployment():
            heard = self.read_from(kit, answer)
        assert [f"{event.version}: {event.place}" for event in heard] == IN_VERSION_2

    def test_a_reader_may_be_ahead_of_the_owner(self, kit, told):
        announce(moves("T-1", 3))
        steps.relay()
        answer = told()
        deploy_version_2()
        heard = self.read_from(kit, answer)
        assert [f"{event.version}: {event.place}" for event in heard] == IN_VERSION_2

    def test_an_old_reader_parks_what_it_can_not_read_and_goes_on(self, kit):
        kit.set(RETRY_BASE_S=1000)

        @carveout.subscribe("tickets.TicketMoved")
        def follow_ticket(event):
            note(f"{event.version}: {event.seat}")

        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            note(event.key)

        announce(moves("T-1", 1))
        steps.flow()
        place = deploy_version_2()
        with another_deployment():
            announce([place(number="T-1", place="B7"), *sold(1, "U")])
            steps.flow()
            assert notes() == ["1: 1", "U-1"]
            assert parked() == [(2, "builtins.AttributeError")]
            del subscription.registry["desk.follow_ticket"]
            follow()  # the reader is deployed too
            retry()
        assert (notes()[2:], parked()) == (["2: B7"], [])


def test_a_version_of_the_future_and_an_unknown_type_stop_nobody():
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        note(f"{event.version}: {event.key}")

    deploy_version_2()
    announce([*sold(1), *moves("T-1", 2)])
    rows = LoggedEvent.objects.using("kit")
    rows.filter(data__contains='"seat":1').update(type="tickets.TicketEaten", version=3)
    rows.filter(data__contains='"seat":2').update(version=30_000)
    rows.filter(type="tickets.TicketSold").update(version=9)
    steps.flow()
    assert (notes(), parked()) == (["9: T-1"], [])


def test_a_field_that_nobody_knows_is_kept():
    @carveout.subscribe("tickets.TicketMoved")
    def follow_ticket(event):
        note(f"{event.seat} {event.data}")

    announce(moves("T-1", 1))
    LoggedEvent.objects.using("kit").update(data='{"number":"T-1","seat":1,"new":[true]}')
    steps.flow()
    assert notes() == ["1 {'number': 'T-1', 'seat': 1, 'new': [True]}"]


def test_an_error_of_an_upcaster_is_no_passing_one():
    assert not UpcastFailed().retryable
