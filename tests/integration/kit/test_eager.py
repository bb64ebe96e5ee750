"""Eager delivery: what is published in a test has arrived when the publishing call returns."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core import mail
from django.core.mail import send_mail
from django.db import connections, transaction
from django.http import HttpResponse
from django.test import Client, TestCase, TransactionTestCase, override_settings
from django.urls import path

import carveout
from carveout.conf import get_settings
from carveout.consumers import inline
from carveout.errors import HandlerFailed
from carveout.models import Cursor, Delivery
from carveout.testing import EagerEventsMixin, drain, eager_events
from tests.integration.kit import declarations
from tests.integration.kit.conftest import APPS, OURS
from tests.integration.kit.desk.lookups import TicketAsGuessed, TicketToShow
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.events import TicketMoved, TicketSold
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import announce, moves, sell, sold

ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
COMMITS = pytest.mark.parametrize("eager", ["commits"], indirect=True)
NOWHERE = "redis://127.0.0.1:9/0"


class Case(TestCase):
    """Its transactions are those that Django opens around each class and each test."""

    databases = {"kit"}


@pytest.fixture(params=["TestCase", "commits"])
def eager(kit, request) -> Iterator[None]:
    """Redis is nowhere, and the test runs in a TestCase's transactions, or in none."""
    kit.set(DELIVERY="eager", REDIS_URL=NOWHERE)
    if request.param == "commits":
        yield
        return
    of_class = Case._enter_atomics()
    of_test = Case._enter_atomics()
    yield
    Case._rollback_atomics(of_test)
    Case._rollback_atomics(of_class)


@pytest.fixture
def listening() -> None:
    @carveout.subscribe("tickets.TicketSold")
    def listen(event, ticket: TicketToShow):
        note(ticket.title)


def open_block() -> transaction.Atomic:
    return transaction.atomic(using="kit")


@pytest.mark.usefixtures("eager", "listening")
class TestWhen:
    """At the end of the code's outermost transaction, and never before."""

    def test_it_has_arrived_when_the_service_returns(self):
        sell("T-1")
        assert notes() == ["Concert T-1"]
        sell("T-2")
        assert notes() == ["Concert T-1", "Concert T-2"]

    def test_rows_that_follow_the_publish_are_there(self):
        with open_block():
            carveout.publish(TicketSold(number="T-1"))
            assert notes() == []
            Ticket.objects.using("kit").create(number="T-1", title="Opera")
        assert notes() == ["Opera"]

    def test_only_the_outermost_block_counts(self):
        with open_block():
            sell("T-1")
            with open_block():
                sell("T-2")
            assert notes() == []
        assert notes() == ["Concert T-1", "Concert T-2"]

    @pytest.mark.parametrize("options", [{"savepoint": False}, {"durable": True}])
    def test_a_decorator_of_any_kind_counts(self, options):
        @transaction.atomic(using="kit", **options)
        def place():
            Ticket.objects.using("kit").create(number="T-1", title="Opera")
            carveout.publish(TicketSold(number="T-1"))

        place()
        assert notes() == ["Opera"]

    def test_a_rollback_delivers_nothing(self):
        with pytest.raises(ZeroDivisionError), open_block():
            sell("T-1")
            raise ZeroDivisionError
        with open_block():
            sell("T-2")
            transaction.set_rollback(True, using="kit")
        assert notes() == []
        sell("T-3")
        assert notes() == ["Concert T-3"]

    @pytest.mark.parametrize("raises", [True, False])
    def test_a_rollback_that_leaves_no_savepoint_is_not_asked_for_events(self, raises):
        with suppress(ZeroDivisionError), transaction.atomic(using="kit", savepoint=False):
            sell("T-1")
            if raises:
                raise ZeroDivisionError
            transaction.set_rollback(True, using="kit")
        connection = connections["kit"]
        if connection.in_atomic_block:  # of the TestCase, which Django lets do nothing more
            assert connection.needs_rollback
            connection.needs_rollback = False
            return
        sell("T-2")
        assert notes() == ["Concert T-2"]

    def test_a_savepoint_that_is_rolled_back_delivers_nothing(self):
        with open_block():
            sell("T-1")
            with pytest.raises(ZeroDivisionError), open_block():
                sell("T-2")
                raise ZeroDivisionError
        assert notes() == ["Concert T-1"]

    def test_what_is_published_on_commit_arrives(self, eager):
        def later():
            sell("T-2")

        with open_block():
            sell("T-1")
            transaction.on_commit(later, using="kit")
        committed = not connections["kit"].in_atomic_block
        assert notes() == (["Concert T-1", "Concert T-2"] if committed else ["Concert T-1"])

    def test_no_callback_is_added_that_tests_count(self):
        @carveout.subscribe("tickets.TicketSold", via="rq")
        def print_ticket(event):
            """A job."""

        with Case.captureOnCommitCallbacks(using="kit", execute=True) as callbacks:
            sell("T-1")
            assert notes() == ["Concert T-1"]
        assert callbacks == []

    def test_a_publish_outside_a_transaction_is_refused(self):
        with pytest.raises(carveout.NotInTransaction):
            carveout.publish(TicketSold(number="T-1"))

    def test_the_transaction_of_a_request_counts(self, settings, monkeypatch):
        def view(request):
            sell("T-1")
            return HttpResponse(f"{len(notes())} in the request")

        settings.ROOT_URLCONF = (path("", view),)
        settings.MIDDLEWARE = []
        for atomic_requests, seen in ((True, "0 in the request"), (False, "2 in the request")):
            monkeypatch.setitem(
                connections["kit"].settings_dict, "ATOMIC_REQUESTS", atomic_requests
            )
            assert Client().get("/").content.decode() == seen
            Ticket.objects.using("kit").all().delete()
        assert notes() == ["Concert T-1"] * 2

    @ONE_ENGINE
    def test_async_code_counts(self):
        async_to_sync(sync_to_async(sell))("T-1")
        assert notes() == ["Concert T-1"]


@pytest.mark.usefixtures("eager")
class TestWhat:
    """Everything that is caused."""

    def test_what_handlers_publish_arrives_too(self):
        @carveout.subscribe("tickets.TicketSold")
        def move(event):
            carveout.publish(TicketMoved(number=event.key, seat=1))

        @carveout.subscribe("tickets.TicketMoved", via="rq", ordered=True, atomic=False)
        def follow(event):
            with open_block():
                note(f"{event.key} sits on {event.seat}")
                if event.seat < 3:
                    carveout.publish(TicketMoved(number=event.key, seat=event.seat + 1))

        sell("T-1")
        assert notes() == [f"T-1 sits on {seat}" for seat in (1, 2, 3)]

    def test_a_job_sends_its_mail_to_djangos_outbox(self):
        @carveout.subscribe("tickets.TicketSold", via="rq", atomic=False)
        def confirm(event):
            send_mail(f"Your ticket {event.key}", "Enjoy.", None, ["maria@example.com"])

        sell("T-1")
        assert [message.subject for message in mail.outbox] == ["Your ticket T-1"]

    def test_a_subscription_that_starts_now_hears_what_a_test_publishes(self):
        @carveout.subscribe("tickets.TicketSold", start="now")
        def listen(event):
            note(event.key)

        sell("T-1")
        sell("T-2")
        assert notes() == ["T-1", "T-2"]

    def test_redis_is_asked_nothing(self, kit):
        @carveout.subscribe("tickets.TicketSold")
        def move(event):
            carveout.publish(TicketMoved(number=event.key, seat=1))

        @carveout.subscribe("tickets.TicketMoved", via="rq")
        def follow(event):
            note(event.key)

        with socket.create_server(("127.0.0.1", 0)) as redis:
            kit.set(REDIS_URL=f"redis://127.0.0.1:{redis.getsockname()[1]}/0")
            sell("T-1")
            redis.setblocking(False)
            with pytest.raises(BlockingIOError):
                redis.accept()
        assert notes() == ["T-1"]

    def test_a_handler_that_publishes_does_not_ask_for_what_its_run_has_yet_to_do(self, kit):
        kit.change("tickets", partitions=4)
        moved = []

        @carveout.subscribe("tickets.TicketSold")
        def move(event):
            moved.append(event.key)
            carveout.publish(TicketMoved(number=event.key, seat=1))

        @carveout.subscribe("tickets.TicketMoved")
        def follow(event):
            note(event.key)

        announce(sold(8))
        assert sorted(notes()) == sorted(moved) == [f"T-{number}" for number in range(1, 9)]

    def test_many_events_arrive_in_order_of_their_keys(self, kit):
        kit.change("tickets", partitions=3)

        @carveout.subscribe("tickets.TicketMoved", batch=True)
        def follow(events):
            for event in events:
                note(f"{event.key} {event.seat}")

        announce([*moves("T-1", 3), *moves("U-1", 3)])
        for key in ("T-1", "U-1"):
            assert [each for each in notes() if key in each] == [
                f"{key} {seat}" for seat in (1, 2, 3)
            ]


@pytest.mark.usefixtures("eager")
class TestFailures:
    """A test shows at once what production would retry."""

    def test_a_handler_that_fails_fails_the_call_and_all_is_kept(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            raise ValueError("not today")

        @carveout.subscribe("tickets.TicketSold")
        def count(event):
            note(event.key)

        with pytest.raises(HandlerFailed, match=r"desk\.listen[\s\S]*ValueError: not today"):
            sell("T-1")
        assert Ticket.objects.using("kit").get().number == "T-1"
        assert Delivery.objects.using("kit").get().error == "not today"
        assert notes() == ["T-1"]

    def test_a_failure_is_told_by_its_own_call_only(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            if event.key == "T-1":
                raise ValueError
            note(event.key)

        with pytest.raises(HandlerFailed):
            sell("T-1")
        sell("T-2")
        assert notes() == ["T-2"]

    def test_a_query_that_fails_in_a_handler_leaves_the_test_its_transaction(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            with connections["kit"].cursor() as cursor:
                cursor.execute("SELECT nothing FROM nowhere")

        with pytest.raises(HandlerFailed, match="nowhere"):
            sell("T-1")
        assert Ticket.objects.using("kit").count() == 1

    def test_a_lookup_that_is_refused_fails_the_call(self):
        @carveout.subscribe("tickets.TicketSold")
        def show(event, ticket: TicketAsGuessed):
            note(ticket.colour)

        with pytest.raises(HandlerFailed, match=r"desk\.show[\s\S]*LookupRefused:.*colour"):
            sell("T-1")

    def test_an_error_of_the_code_is_not_covered_by_one_of_a_handler(self, kit):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            raise ValueError

        kit.set(DELIVERY="streams")
        sell("T-0")
        kit.set(DELIVERY="eager")
        with pytest.raises(ZeroDivisionError), open_block():
            sell("T-1")
            raise ZeroDivisionError
        assert not Delivery.objects.using("kit").exists()


@COMMITS
@pytest.mark.usefixtures("eager", "listening")
class TestSeveral:
    """Databases and threads."""

    def test_a_block_that_is_open_on_another_database_is_waited_for(self, kit, of_desk):
        kit.change("desk", database=of_desk)
        with transaction.atomic(using=of_desk):
            sell("T-1")
            assert not Cursor.objects.using(of_desk).exists()
        assert list(Cursor.objects.using(of_desk).values_list("position", flat=True)) == [1]
        assert notes() == ["Concert T-1"]

    def test_each_thread_delivers_what_it_publishes(self):
        failed: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for each in range(5):
                    sell(f"T-{number}-{each}")
                    assert f"Concert T-{number}-{each}" in notes()
            except BaseException as error:
                failed.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert failed == []
        assert len(notes()) == len({*notes()}) == 15

    @ONE_ENGINE
    def test_a_handler_that_waits_for_another_thread_gets_its_answer(self, monkeypatch):
        monkeypatch.setattr(inline, "WAIT_S", 0.05)

        @carveout.subscribe("tickets.TicketMoved", via="rq", atomic=False)
        def ask(event):
            thread = threading.Thread(target=sell_and_close, args=("T-2",))
            thread.start()
            thread.join(timeout=20)
            assert not thread.is_alive()

        def sell_and_close(number: str) -> None:
            sell(number)
            connections.close_all()

        announce(moves("T-1", 1))
        assert notes() == ["Concert T-2"]


# -- Switching it on ---------------------------------------------------------------------------


class Heard:
    """A case that subscribes, and knows what was heard."""

    heard: list[str] = []
    delivery = "streams"

    @classmethod
    def setUpClass(cls) -> None:
        contexts = {name: {"apps": apps} for name, apps in APPS.items()}
        given = {"CONTEXTS": contexts, "REDIS_URL": NOWHERE, "DELIVERY": cls.delivery}
        cls.enterClassContext(override_settings(CARVEOUT=given))
        cls.enterClassContext(declarations.only(OURS))
        cls.heard = heard = []

        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            heard.append(event.key)

        super().setUpClass()

    @staticmethod
    def publish(key: str) -> None:
        with transaction.atomic():
            carveout.publish(TicketSold(number=key))

    def test_delivers(self) -> None:
        self.publish("T-1")
        assert self.heard[-1] == "T-1"

    test_delivers_again = test_delivers


class TestTheSetting(Heard, TestCase):
    """`CARVEOUT["DELIVERY"] = "eager"`."""

    delivery = "eager"

    @classmethod
    def setUpTestData(cls) -> None:
        cls.publish("of the class")
        assert cls.heard == ["of the class"]


class TestTheMixin(Heard, EagerEventsMixin, TestCase):
    """In front of a TestCase, and for what the class sets up."""

    @classmethod
    def setUpTestData(cls) -> None:
        TestTheSetting.setUpTestData.__func__(cls)


class TestTheMixinWithCommits(Heard, EagerEventsMixin, TransactionTestCase):
    """In front of a case that commits, and empties all tables after each test."""


class TestWithoutTheMixin(Heard, TestCase):
    """Nothing arrives before it is drained."""

    def test_delivers(self) -> None:
        self.publish("T-1")
        assert self.heard == []
        with eager_events():
            self.publish("T-2")
            assert self.heard == ["T-1", "T-2"]
        self.publish("T-3")
        assert self.heard == ["T-1", "T-2"]
        drain()
        assert self.heard == ["T-1", "T-2", "T-3"]

    test_delivers_again = None


@pytest.mark.usefixtures("eager_events")
@pytest.mark.django_db
def test_there_is_a_fixture():
    assert get_settings().delivery == "eager"
