"""Inline delivery and `carveout.testing`: a project's own tests need no Redis and no process."""

import pytest
from django.db import transaction
from django.test import TestCase, override_settings

import carveout
from carveout.errors import HandlerFailed, LookupBehind
from carveout.eventlog import sequencer
from carveout.lookups import provider
from carveout.models import Delivery, LoggedEvent
from carveout.runtime import ports
from carveout.testing import capture_events, drain
from tests.integration.kit import declarations
from tests.integration.kit.conftest import APPS, OURS
from tests.integration.kit.desk.lookups import TicketAsGuessed, TicketToShow
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.events import TicketMoved, TicketSold
from tests.integration.kit.tickets.services import announce, moves, sell, sold


@pytest.fixture
def inline(kit, valkey):
    """Everything is delivered on commit, and Redis is gone."""
    kit.set(DELIVERY="inline")
    valkey.stop()
    return kit


@pytest.mark.usefixtures("inline")
class TestInline:
    """`CARVEOUT["DELIVERY"] = "inline"`."""

    def test_a_commit_delivers(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event, ticket: TicketToShow):
            note(ticket.title)

        sell("T-1", "T-2")
        assert notes() == ["Concert T-1", "Concert T-2"]

    def test_nothing_is_delivered_before_the_commit(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            note(event.key)

        with transaction.atomic(using="kit"):
            carveout.publish(TicketSold(number="T-1"))
            assert notes() == []
        assert notes() == ["T-1"]

    def test_a_rollback_delivers_nothing(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            note(event.key)

        with pytest.raises(ZeroDivisionError), transaction.atomic(using="kit"):
            carveout.publish(TicketSold(number="T-1"))
            raise ZeroDivisionError
        assert notes() == []

    def test_what_a_handler_publishes_is_delivered_too(self):
        @carveout.subscribe("tickets.TicketSold")
        def move(event):
            carveout.publish(TicketMoved(number=event.key, seat=1))

        @carveout.subscribe("tickets.TicketMoved")
        def follow(event):
            note(f"{event.key} sits on {event.seat}")

        announce(sold(2))
        assert notes() == ["T-1 sits on 1", "T-2 sits on 1"]

    def test_a_long_chain_of_causes_is_delivered(self):
        @carveout.subscribe("tickets.TicketMoved")
        def move_on(event):
            if event.seat < 40:
                carveout.publish(TicketMoved(number=event.key, seat=event.seat + 1))
            else:
                note("arrived")

        announce(moves("T-1", 1))
        assert notes() == ["arrived"]
        assert not Delivery.objects.using("kit").exists()

    def test_jobs_run_in_place_and_in_order(self):
        @carveout.subscribe("tickets.TicketMoved", via="rq", ordered=True, atomic=False)
        def follow(event):
            note(event.seat)

        announce(moves("T-1", 4))
        assert notes() == ["1", "2", "3", "4"]
        assert not Delivery.objects.using("kit").exists()

    def test_batches_are_delivered(self):
        @carveout.subscribe("tickets.TicketSold", batch=True)
        def count(events):
            note(len(events))

        announce(sold(7))
        assert notes() == ["7"]

    def test_several_partitions_are_delivered(self, inline):
        inline.change("tickets", partitions=4)

        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            note(event.key)

        announce(sold(20))
        assert len(notes()) == 20

    def test_a_handler_that_fails_does_not_fail_the_publisher(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            raise ValueError("not today")

        sell("T-1")
        assert Delivery.objects.using("kit").get().error == "not today"

    def test_a_subscription_hears_each_event_once(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            note(event.key)

        for event in sold(3):
            announce([event])
        assert notes() == ["T-1", "T-2", "T-3"]


@pytest.mark.usefixtures("kit")
class TestDrain:
    """`carveout.testing.drain()`: deliver everything here and now, also in a transaction."""

    def test_delivers_inside_a_transaction_that_is_open(self, valkey):
        valkey.stop()

        @carveout.subscribe("tickets.TicketSold")
        def listen(event, ticket: TicketToShow):
            note(ticket.title)

        with transaction.atomic(using="kit"):
            sell("T-1")
            drain()
            assert notes() == ["Concert T-1"]
            drain()
            assert notes() == ["Concert T-1"]

    def test_a_handler_that_fails_is_shown_with_its_traceback(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            raise ValueError("not today")

        announce(sold(1))
        with pytest.raises(carveout.CarveoutError) as caught:
            drain()
        for word in ("1 delivery failed", "desk.listen", "ValueError", "not today", "Traceback"):
            assert word in str(caught.value)

    def test_a_failure_is_told_once(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            if event.key == "T-1":
                raise ValueError

        announce(sold(1))
        with pytest.raises(carveout.CarveoutError):
            drain()
        announce(sold(1, "U"))
        drain()

    def test_a_job_that_fails_is_shown(self):
        @carveout.subscribe("tickets.TicketSold", via="rq")
        def print_ticket(event):
            raise ValueError("paper jam")

        announce(sold(1))
        with pytest.raises(carveout.CarveoutError, match="paper jam"):
            drain()

    @pytest.mark.parametrize("via", ["consumer", "rq"])
    def test_a_lookup_that_is_refused_is_told_each_time(self, via):
        @carveout.subscribe("tickets.TicketSold", via=via)
        def show(event, ticket: TicketAsGuessed):
            note(ticket.colour)

        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            note(event.key)

        sell("T-1")
        for _ in range(2):
            with pytest.raises(HandlerFailed, match=r"desk\.show[\s\S]*LookupRefused:.*colour"):
                drain()
        assert notes() == ["T-1"]

    def test_a_lookup_that_is_unavailable_is_told(self, kit):
        url = f"http://127.0.0.1:{ports.next_free(20_000)}"
        kit.set(LOOKUPS="http")
        kit.change("tickets", url=url)

        @carveout.subscribe("tickets.TicketSold")
        def show(event, ticket: TicketToShow):
            note(ticket.title)

        sell("T-1")
        with pytest.raises(HandlerFailed, match=r"desk\.show waits: LookupUnavailable: "):
            drain()

    def test_a_lookup_that_is_behind_is_told(self, monkeypatch):
        @carveout.subscribe("tickets.TicketSold")
        def show(event, ticket: TicketToShow):
            note(ticket.title)

        def behind(*_):
            raise LookupBehind

        monkeypatch.setattr(provider, "check_caught_up", behind)  # no replica here lags
        sell("T-1")
        with pytest.raises(HandlerFailed, match=r"desk\.show waits: LookupBehind: "):
            drain()

    def test_a_log_that_lacks_what_comes_next_is_told(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            note(event.key)

        announce(sold(2))
        sequencer.sequence("tickets", 9)
        LoggedEvent.objects.using("kit").filter(position=1).delete()
        with pytest.raises(HandlerFailed, match=r"desk\.listen waits: HistoryGone: "):
            drain()


@pytest.mark.usefixtures("kit")
class TestCapture:
    """`carveout.testing.capture_events()`: what was published, in order."""

    def test_events_are_captured_in_order(self):
        with capture_events() as events:
            sell("T-1")
            announce(moves("T-1", 1))
        announce(sold(1, "U"))
        assert events == [TicketSold(number="T-1"), TicketMoved(number="T-1", seat=1)]

    def test_a_refused_event_is_not_captured(self):
        with capture_events() as events, pytest.raises(carveout.NotInTransaction):
            carveout.publish(TicketSold(number="T-1"))
        assert events == []

    def test_captures_nest(self):
        with capture_events() as outer:
            announce(sold(1))
            with capture_events() as inner:
                announce(sold(1, "U"))
        assert [event.number for event in outer] == ["T-1", "U-1"]
        assert [event.number for event in inner] == ["U-1"]

    def test_there_is_a_fixture(self, published_events):
        announce(sold(1))
        assert published_events == [TicketSold(number="T-1")]


@override_settings(
    CARVEOUT={"CONTEXTS": {name: {"apps": apps} for name, apps in APPS.items()}},
)
class TestInADjangoTestCase(TestCase):
    """A test case runs in a transaction that is never committed."""

    @classmethod
    def setUpTestData(cls) -> None:
        with pytest.raises(carveout.NotInTransaction):
            carveout.publish(TicketSold(number="T-1"))

    def setUp(self) -> None:
        alone = declarations.only(OURS)
        alone.__enter__()
        self.addCleanup(alone.__exit__, None, None, None)
        self.heard: list[str] = []

        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            self.heard.append(event.key)

    def publish(self) -> None:
        with transaction.atomic():
            carveout.publish(TicketSold(number="T-1"))

    def test_drain_delivers(self):
        self.publish()
        drain()
        assert self.heard == ["T-1"]

    def test_captured_commits_deliver_inline(self):
        settings = {
            "CONTEXTS": {name: {"apps": apps} for name, apps in APPS.items()},
            "DELIVERY": "inline",
        }
        with self.settings(CARVEOUT=settings), self.captureOnCommitCallbacks(execute=True):
            self.publish()
        assert self.heard == ["T-1"]

    def test_a_publish_that_production_refuses_is_refused(self):
        for _ in range(2):
            with self.assertRaisesRegex(carveout.NotInTransaction, "TestCase opens does not count"):
                carveout.publish(TicketSold(number="T-1"))
            self.publish()  # and afterwards nothing is left of its block
        assert LoggedEvent.objects.count() == 2

    def test_a_publish_after_a_commit_is_refused_without_a_transaction_of_its_own(self):
        with (
            self.assertRaises(carveout.NotInTransaction),
            self.captureOnCommitCallbacks(execute=True),
            transaction.atomic(),
        ):
            transaction.on_commit(lambda: carveout.publish(TicketSold(number="T-1")))

    def test_a_durable_block_counts(self):
        with transaction.atomic(durable=True):
            carveout.publish(TicketSold(number="T-1"))
        assert LoggedEvent.objects.count() == 1

    def test_the_log_is_empty_again(self):
        assert not LoggedEvent.objects.exists()
        self.publish()


@pytest.mark.django_db
def test_the_fixture_of_pytest_django_is_no_transaction_of_the_code(settings):
    settings.CARVEOUT = {"CONTEXTS": {name: {"apps": apps} for name, apps in APPS.items()}}
    with declarations.only(OURS):
        with pytest.raises(carveout.NotInTransaction):
            carveout.publish(TicketSold(number="T-1"))
        with transaction.atomic():
            carveout.publish(TicketSold(number="T-1"))
    assert LoggedEvent.objects.count() == 1


def test_there_is_a_fixture_that_drains(drain_events, kit):
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        note(event.key)

    announce(sold(1))
    drain_events()
    assert notes() == ["T-1"]
