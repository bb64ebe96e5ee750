"""Consume: in order, effects exactly once, and one subscription's trouble is nobody else's."""

import json
import sys
import threading
from urllib.parse import parse_qs

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

import carveout
from carveout.consumers.leases import Leases
from carveout.consumers.partition import PartitionConsumer
from carveout.consumers.source import StreamSource
from carveout.events.event import PartitionRef
from carveout.models import Cursor, Delivery, LoggedEvent
from carveout.redis import keys
from carveout.subscriptions.subscription import hosted
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketToBill, TicketToShow
from tests.integration.kit.desk.models import Note, note, notes
from tests.integration.kit.threads import at_once
from tests.integration.kit.tickets.events import TicketSold
from tests.integration.kit.tickets.lookups import TicketSerializer
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import announce, moves, returned, sell, sold
from tests.integration.kit.web import Owner, serving
from tests.servers import free_port

pytestmark = pytest.mark.usefixtures("kit")

PARTITION = PartitionRef("tickets", 0)

_listening: list[set[str]] = []


def _hear(happened: str, arguments: tuple) -> None:
    if happened == "socket.getaddrinfo":
        for hosts in _listening:
            hosts.add(arguments[0])


@pytest.fixture(scope="module")
def ear() -> None:
    """An audit hook stays for as long as the process; it is deaf most of the time."""
    sys.addaudithook(_hear)


@pytest.fixture
def asked_for(ear):
    """The hosts that this process looks for meanwhile."""
    hosts: set[str] = set()
    _listening.append(hosts)
    yield hosts
    _listening.remove(hosts)


def positions() -> dict[str, int]:
    return dict(Cursor.objects.using("kit").values_list("subscription", "position"))


def deliveries() -> list[tuple[str, str, int]]:
    rows = Delivery.objects.using("kit").order_by("subscription", "position")
    return list(rows.values_list("subscription", "state", "attempts"))


def without_lease() -> PartitionConsumer:
    """A consumer that believes itself to be alone."""
    return PartitionConsumer(PARTITION, hosted(["desk"]), StreamSource("desk", PARTITION))


def test_events_arrive_in_order_with_their_data():
    @carveout.subscribe("tickets.TicketMoved")
    def follow(event):
        note(f"{event.key} {event.seat} {event.position}")

    announce(moves("T-1", 4))
    steps.flow()
    assert notes() == ["T-1 1 1", "T-1 2 2", "T-1 3 3", "T-1 4 4"]
    assert positions() == {"desk.follow": 4}


def test_a_handler_hears_only_its_types():
    @carveout.subscribe("tickets.TicketReturned", "tickets.TicketSold")
    def listen(event):
        note(event.type)

    announce([*sold(1), *moves("T-1", 3), returned("T-1")])
    steps.flow()
    assert notes() == ["tickets.TicketSold", "tickets.TicketReturned"]
    assert positions() == {"desk.listen": 5}


def test_a_repeated_run_handles_nothing_twice():
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        note(event.key)

    announce(sold(3))
    steps.flow()
    steps.flow()
    assert notes() == ["T-1", "T-2", "T-3"]


def test_a_handler_gets_the_lookups_that_its_parameters_ask_for():
    @carveout.subscribe("tickets.TicketSold")
    def bill(ticket: TicketToShow, event, money: TicketToBill):
        note(f"{event.key} {ticket.title} {money.price} {money.seat.row}")

    sell("T-1", "T-2")
    steps.flow()
    assert notes() == ["T-1 Concert T-1 12.50 A", "T-2 Concert T-2 12.50 A"]


def test_a_batch_is_one_call_with_all_events():
    @carveout.subscribe("tickets.TicketSold", batch=True)
    def count(events):
        note(len(events))

    announce(sold(30))
    steps.flow()
    assert notes() == ["30"]


def test_a_batch_handler_gets_pairs():
    @carveout.subscribe("tickets.TicketSold", batch=True)
    def show(deliveries: list[tuple[carveout.ReceivedEvent, TicketToShow]]):
        note(",".join(f"{event.key}={ticket.title}" for event, ticket in deliveries))

    sell("T-1", "T-2")
    steps.flow()
    assert notes() == ["T-1=Concert T-1,T-2=Concert T-2"]


def test_a_long_backlog_is_handled_in_batches(kit):
    kit.set(BATCH_ROWS=10)

    @carveout.subscribe("tickets.TicketSold", batch=True)
    def count(events):
        note(len(events))

    announce(sold(25))
    steps.flow()
    assert notes() == ["10", "10", "5"]


class TestExactlyOnce:
    """Two consumers, a failed commit, a cursor moved by somebody else."""

    def test_a_batch_whose_cursor_moved_meanwhile_leaves_no_effect(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            note(event.key)
            Cursor.objects.using("kit").update(position=2)  # somebody else was here

        announce(sold(2))
        steps.relay()
        assert without_lease().run_once() == 0
        assert notes() == []
        assert deliveries() == []

    def test_the_late_one_of_two_consumers_rolls_back(self):
        """Both read the same batch; the second finds the cursor moved when it gets its turn."""

        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            note(event.key)

        early, late = without_lease(), without_lease()
        announce(sold(5))
        steps.relay()
        assert late.run_once() == 5  # it now believes that the cursor stands at 5
        announce(sold(10)[5:])
        steps.relay()
        assert early.run_once() == 5
        assert late.run_once() == 0
        assert notes() == [f"T-{number}" for number in range(1, 11)]

    def test_four_consumers_at_once_double_nothing(self):
        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            note(event.key)

        for round_number in range(5):
            announce(sold(5, f"R{round_number}"))
        steps.relay()
        start = threading.Barrier(4)

        def consume() -> None:
            start.wait()
            consumer = without_lease()
            while consumer.run_once():
                pass

        at_once(*[consume] * 4)
        steps.consume()
        assert len(notes()) == len(set(notes())) == 25

    def test_effects_of_a_handler_that_failed_are_gone(self):
        @carveout.subscribe("tickets.TicketSold", max_attempts=1)
        def listen(event):
            note("half done")
            raise ZeroDivisionError

        announce(sold(2))
        steps.flow()
        assert notes() == []


class TestAHandlerThatFails:
    """Its pair of event and subscription is parked; nobody else notices."""

    def test_the_pair_is_parked_and_the_others_go_on(self, kit):
        kit.set(RETRY_BASE_S=1000)

        @carveout.subscribe("tickets.TicketSold")
        def picky(event):
            if event.key == "T-2":
                raise ValueError("not this one")
            note(f"picky {event.key}")

        @carveout.subscribe("tickets.TicketSold")
        def easy(event):
            note(f"easy {event.key}")

        announce(sold(3))
        steps.flow()
        assert sorted(notes()) == ["easy T-1", "easy T-2", "easy T-3", "picky T-1", "picky T-3"]
        assert positions() == {"desk.easy": 3, "desk.picky": 3}
        row = Delivery.objects.using("kit").get()
        assert (row.subscription, row.position, row.key) == ("desk.picky", 2, "T-2")
        assert (row.state, row.attempts) == ("waiting", 1)
        assert (row.error_type, row.error) == ("builtins.ValueError", "not this one")
        assert "raise ValueError" in row.traceback
        assert row.due_at > row.parked_at

    @pytest.mark.parametrize("batch", [False, True])
    def test_its_stack_is_its_own(self, kit, batch):
        """Not that of the batch, which failed on another handler's error before."""
        kit.set(RETRY_BASE_S=1000)

        @carveout.subscribe("tickets.TicketSold")
        def first(event):
            raise LookupError("of the first")

        @carveout.subscribe("tickets.TicketSold", batch=batch)
        def second(event):
            try:
                {}["its own cause"]
            except KeyError as error:
                raise ValueError("of the second") from error

        announce(sold(2))
        steps.flow()
        rows = Delivery.objects.using("kit")
        assert rows.count() == 4
        for row in rows.filter(subscription="desk.first"):
            assert row.traceback.count("Traceback (most recent call last)") == 1
        for row in rows.filter(subscription="desk.second"):
            assert row.traceback.count("Traceback (most recent call last)") == 2
            assert "its own cause" in row.traceback
            assert "of the first" not in row.traceback

    def test_a_batch_handler_gets_the_good_ones_one_by_one(self, kit):
        kit.set(RETRY_BASE_S=1000)

        @carveout.subscribe("tickets.TicketSold", batch=True)
        def count(events):
            for event in events:
                if event.key == "T-2":
                    raise ValueError
                note(f"{event.key} of {len(events)}")

        announce(sold(3))
        steps.flow()
        assert notes() == ["T-1 of 1", "T-3 of 1"]
        assert deliveries() == [("desk.count", "waiting", 1)]

    def test_a_few_share_a_savepoint_and_only_those_near_a_failure_run_alone(self):
        @carveout.subscribe("tickets.TicketSold", batch=True)
        def count(events):
            if any(event.key == "T-25" for event in events):
                raise ValueError
            note(str(len(events)))

        announce(sold(40))
        steps.flow()
        assert notes() == ["10", "10", *["1"] * 9, "10"]

    def test_one_that_may_fail_once_only_is_dead_at_once_with_its_error(self):
        @carveout.subscribe("tickets.TicketSold", max_attempts=1)
        def listen(event):
            raise ValueError("never")

        announce(sold(1))
        steps.flow()
        row = Delivery.objects.using("kit").get()
        assert (row.state, row.error_type) == ("dead", "builtins.ValueError")

    def test_a_database_error_in_a_handler_spoils_only_its_own_event(self):
        @carveout.subscribe("tickets.TicketSold", max_attempts=1)
        def listen(event):
            if event.key == "T-1":
                Note.objects.using("kit").create(pk=None, text=None)
            note(event.key)

        announce(sold(2))
        steps.flow()
        assert notes() == ["T-2"]

    def test_it_is_tried_again_and_removed_when_it_is_done(self):
        tries = []

        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            tries.append(event.key)
            if len(tries) < 5:
                raise ValueError
            note(event.key)

        announce(sold(1))
        steps.flow()
        steps.until(lambda: not deliveries())
        assert notes() == ["T-1"]

    def test_it_is_dead_after_its_last_attempt_and_stays_so(self):
        tries = []

        @carveout.subscribe("tickets.TicketSold", max_attempts=3)
        def listen(event):
            tries.append(event.key)
            raise ValueError("never")

        announce(sold(1))
        steps.flow()
        steps.until(lambda: deliveries() == [("desk.listen", "dead", 3)])
        steps.consume()
        assert len(tries) == 4  # once in the batch, then three attempts of its own

    @pytest.mark.parametrize("data", ["{}", "[]", "null", '"text"', '{"seat": "none"}'])
    def test_an_event_that_it_can_not_read_is_parked_too(self, kit, data):
        """Such as one of another release, or that somebody wrote by hand."""
        kit.set(RETRY_BASE_S=1000)

        @carveout.subscribe("tickets.TicketMoved")
        def seat(event):
            note(int(event.seat))

        announce(moves("T-1", 3))
        LoggedEvent.objects.using("kit").filter(data__contains='"seat":2').update(data=data)
        steps.flow()
        assert notes() == ["1", "3"]
        row = Delivery.objects.using("kit").get()
        assert (row.position, row.state) == (2, "waiting")
        assert row.error

    def test_waiting_deliveries_are_not_tried_before_their_time(self, kit):
        kit.set(RETRY_BASE_S=1000)
        tries = []

        @carveout.subscribe("tickets.TicketSold")
        def listen(event):
            tries.append(event.key)
            raise ValueError

        announce(sold(1))
        steps.flow()
        tried = len(tries)
        steps.consume()
        assert len(tries) == tried


class TestOrdered:
    """`ordered=True`: later events of a key wait behind one that is not done."""

    def test_later_events_of_the_key_are_parked_and_other_keys_go_on(self, kit):
        kit.set(RETRY_BASE_S=1000)

        @carveout.subscribe("tickets.TicketMoved", ordered=True)
        def follow(event):
            if (event.key, event.seat) == ("T-1", 1):
                raise ValueError
            note(f"{event.key} {event.seat}")

        announce([*moves("T-1", 3), *moves("T-2", 2)])
        steps.flow()
        announce(moves("T-1", 1))
        steps.flow()
        assert notes() == ["T-2 1", "T-2 2"]
        assert len(deliveries()) == 4

    def test_they_follow_in_order_once_the_first_is_done(self):
        broken = threading.Event()
        broken.set()

        @carveout.subscribe("tickets.TicketMoved", ordered=True, max_attempts=1000)
        def follow(event):
            if broken.is_set() and event.seat == 1:
                raise ValueError
            note(event.seat)

        announce(moves("T-1", 3))
        steps.flow()
        announce([returned("T-1"), *moves("T-1", 4)[3:]])
        steps.flow()
        assert notes() == []
        broken.clear()
        steps.until(lambda: not deliveries())
        assert notes() == ["1", "2", "3", "4"]

    def test_without_it_later_events_do_not_wait(self, kit):
        kit.set(RETRY_BASE_S=1000)

        @carveout.subscribe("tickets.TicketMoved")
        def follow(event):
            if event.seat == 1:
                raise ValueError
            note(event.seat)

        announce(moves("T-1", 3))
        steps.flow()
        assert notes() == ["2", "3"]


class TestLookupsOnTheWay:
    """An owner that can't be asked is nobody's failed event; a key that is not there is."""

    def test_an_owner_that_does_not_answer_pauses_one_subscription_and_burns_no_attempt(self, kit):
        kit.set(LOOKUPS="http", RETRY_BASE_S=0.02)
        kit.change("tickets", url=f"http://127.0.0.1:{free_port()}/internal")

        @carveout.subscribe("tickets.TicketSold")
        def needs(event, ticket: TicketToShow):
            note(f"needs {ticket.number}")

        @carveout.subscribe("tickets.TicketSold")
        def needs_nothing(event):
            note(f"free {event.key}")

        sell("T-1", "T-2")
        steps.flow()
        assert notes() == ["free T-1", "free T-2"]
        assert positions() == {"desk.needs": 0, "desk.needs_nothing": 2}
        assert deliveries() == []
        kit.set(LOOKUPS="auto")
        steps.flow()
        assert notes()[2:] == ["needs T-1", "needs T-2"]

    @pytest.mark.parametrize("via", ["consumer", "rq"])
    @pytest.mark.parametrize(("status", "wait_s"), [("503 Sorry", 0.0), ("200 OK", 1.0)])
    @pytest.mark.parametrize("database", ["sqlite"], indirect=True)
    @pytest.mark.usefixtures("rq_signals")
    def test_an_owner_that_stalls_or_is_overloaded_burns_no_attempt(self, kit, via, status, wait_s):
        kit.set(LOOKUPS="http", LOOKUP_TIMEOUT_S=0.1, RETRY_BASE_S=0.01)

        @carveout.subscribe("tickets.TicketSold", via=via, max_attempts=2)
        def needs(event, ticket: TicketToShow):
            note(ticket.number)

        def try_all() -> None:
            Delivery.objects.using("kit").update(due_at=timezone.now())
            steps.consume()
            call_command("work", "desk", once=True, verbosity=0)

        sell("T-1", "T-2")
        steps.relay()
        owner = Owner(status)
        owner.wait_s = wait_s
        with serving(owner) as url:
            kit.change("tickets", url=url)
            for _ in range(4):
                try_all()
        assert owner.asked
        assert notes() == []
        assert {attempts for _, _, attempts in deliveries()} <= {0}
        assert positions() == {"desk.needs": 0 if via == "consumer" else 2}
        kit.set(LOOKUPS="auto")
        try_all()
        assert notes() == ["T-1", "T-2"]

    @pytest.mark.parametrize("database", ["sqlite"], indirect=True)
    @pytest.mark.parametrize(
        "text",
        [
            "http://169.254.169.254/latest/meta-data",
            "//elsewhere.example/",
            "@elsewhere.example",
            "../../admin/",
            "T-1\r\nHost: elsewhere.example",
            "T-1&fields=price#",
        ],
    )
    def test_nothing_in_an_event_says_where_to_ask(self, kit, valkey, asked_for, text):
        """Written into the stream by hand: as its key, and all of its data."""
        kit.set(LOOKUPS="http")

        @carveout.subscribe("tickets.TicketSold")
        def needs(event, ticket: TicketToShow):
            note(ticket.number)

        announce(sold(1))
        steps.relay()
        forged = {"url": text, "href": text, "number": text}
        with valkey.client as redis:
            fields = redis.xrange(keys.stream(PARTITION))[0][1]
            redis.delete(keys.stream(PARTITION))
            fields |= {"subject": text, "data": json.dumps(forged)}
            redis.xadd(keys.stream(PARTITION), fields, id="1-0")
        owner = Owner()
        with serving(owner) as url:
            kit.change("tickets", url=f"{url}/internal")
            steps.consume()
        [asked] = owner.asked
        path, _, query = asked.partition("?")
        assert path == "/internal/lookups/tickets.ticket/"
        assert parse_qs(query)["key"] == [text]
        assert asked_for == {"127.0.0.1"}

    def test_a_missing_key_parks_its_own_event(self, kit):
        kit.set(RETRY_BASE_S=1000)

        @carveout.subscribe("tickets.TicketSold")
        def needs(event, ticket: TicketToShow):
            note(ticket.number)

        announce([TicketSold(number="nobody's")])
        sell("T-1")
        steps.flow()
        assert notes() == ["T-1"]
        row = Delivery.objects.using("kit").get()
        assert row.error_type == "carveout.errors.LookupNotFound"
        assert 'tickets.ticket has no "nobody\'s"' in row.error

    def test_a_missing_key_that_appears_is_found_by_the_next_attempt(self):
        @carveout.subscribe("tickets.TicketSold", max_attempts=1000)
        def needs(event, ticket: TicketToShow):
            note(ticket.title)

        announce([TicketSold(number="T-9")])
        steps.flow()
        assert notes() == []
        Ticket.objects.using("kit").create(number="T-9", title="late")
        steps.until(lambda: not deliveries())
        assert notes() == ["late"]

    def test_no_lookup_runs_inside_a_transaction(self, monkeypatch):
        """The owner would be asked while our rows are locked."""
        seen = []
        seat = TicketSerializer.get_seat

        def watched(self, ticket):
            seen.append(connections["kit"].in_atomic_block)
            return seat(self, ticket)

        monkeypatch.setattr(TicketSerializer, "get_seat", watched)

        @carveout.subscribe("tickets.TicketSold")
        def bill(event, money: TicketToBill):
            note(money.price)

        sell("T-1", "T-2")
        steps.flow()
        assert seen == [False, False]


def test_what_a_handler_publishes_names_its_cause():
    @carveout.subscribe("tickets.TicketSold")
    def resell(event):
        if event.key == "T-1":
            carveout.publish(TicketSold(number="T-2"))
        else:
            note(f"{event.causation_id} {event.correlation_id}")

    announce(sold(1))
    steps.flow()
    steps.flow()
    first = LoggedEvent.objects.using("kit").get(key="T-1")
    assert notes() == [f"{first.event_id} {first.event_id}"]


def test_a_lease_keeps_the_second_consumer_out_until_it_is_released():
    announce(sold(1))
    steps.relay()

    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        note(event.key)

    holder = Leases("desk", 10_000)
    holder.rebalance([PARTITION])
    assert holder.held() == {PARTITION}
    assert steps.consume() == 0
    assert notes() == []
    holder.leave()
    assert steps.consume() == 1


def test_a_cursor_is_mirrored_as_a_consumer_group(valkey):
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        note(event.key)

    announce(sold(3))
    steps.flow()
    announce(sold(2, "U"))
    steps.relay()
    with valkey.client as client:
        [group] = client.xinfo_groups("carveout:{tickets.0}:stream")
    lag = group.get("lag", 2)  # Redis 6 does not count it
    assert (group["name"], group["last-delivered-id"], lag) == ("desk.listen", "3-0", 2)


def test_redis_away_stops_a_consumer_with_a_retryable_error_and_loses_nothing(valkey):
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        note(event.key)

    announce(sold(2))
    steps.relay()
    valkey.stop()
    with pytest.raises(carveout.StreamUnavailable):
        steps.consume()
    valkey.restart_empty()
    steps.flow()
    assert notes() == ["T-1", "T-2"]


def test_events_of_two_partitions_arrive(kit):
    kit.change("tickets", partitions=2)

    @carveout.subscribe("tickets.TicketMoved")
    def follow(event):
        note(f"{event.key} {event.seat}")

    keys = [f"T-{number}" for number in range(10)]
    announce(event for key in keys for event in moves(key, 2))
    steps.flow()
    assert sorted(notes()) == sorted(f"{key} {seat}" for key in keys for seat in (1, 2))
    assert Cursor.objects.using("kit").count() == 2
