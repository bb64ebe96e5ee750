"""Publish: stored with the caller's change, or not at all."""

import uuid
from contextlib import suppress

import pytest
from django.db import IntegrityError, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

import carveout
from carveout.eventlog import publish, reader, rows
from carveout.models import LoggedEvent
from carveout.redis.wakeups import WakeupListener, notify_relay
from tests.integration.kit.tickets.events import TicketMoved, TicketSold

pytestmark = pytest.mark.usefixtures("kit")


def logged() -> list[tuple[str, str]]:
    rows = LoggedEvent.objects.using("kit").order_by("id")
    return list(rows.values_list("type", "key"))


def test_a_committed_event_is_in_the_log_without_a_position():
    with transaction.atomic(using="kit"):
        event_id = carveout.publish(TicketMoved(number="T-1", seat=7))
    row = LoggedEvent.objects.using("kit").get()
    assert (row.event_id, row.type, row.key) == (event_id, "tickets.TicketMoved", "T-1")
    assert (row.context, row.position, row.data) == ("tickets", None, '{"number":"T-1","seat":7}')
    assert (row.correlation_id, row.causation_id) == ("", "")


def test_publish_outside_a_transaction_is_refused():
    with pytest.raises(carveout.NotInTransaction, match=r"transaction\.atomic\(using='kit'\)"):
        carveout.publish(TicketSold(number="T-1"))
    assert logged() == []


@pytest.mark.django_db
def test_a_transaction_on_another_database_does_not_count():
    with (
        transaction.atomic(using="default"),
        pytest.raises(carveout.NotInTransaction, match="database 'kit'"),
    ):
        carveout.publish(TicketSold(number="T-1"))
    assert logged() == []


@pytest.mark.parametrize("key", ["x" * 256, "T\0", "T\udcff"])
def test_a_key_that_can_not_be_stored_is_refused_before_the_statement(key):
    with transaction.atomic(using="kit"):
        with pytest.raises(carveout.InvalidEvent, match="TicketSold: "):
            carveout.publish(TicketSold(number=key))
        carveout.publish(TicketSold(number="x" * 255))
    assert logged() == [("tickets.TicketSold", "x" * 255)]


def test_a_rolled_back_transaction_leaves_no_event():
    with pytest.raises(ZeroDivisionError), transaction.atomic(using="kit"):
        carveout.publish(TicketSold(number="T-1"))
        raise ZeroDivisionError
    assert logged() == []


def test_a_rolled_back_savepoint_takes_only_its_own_event():
    with transaction.atomic(using="kit"):
        carveout.publish(TicketSold(number="T-1"))
        with pytest.raises(ZeroDivisionError), transaction.atomic(using="kit"):
            carveout.publish(TicketSold(number="T-2"))
            raise ZeroDivisionError
    assert logged() == [("tickets.TicketSold", "T-1")]


def test_an_event_with_a_wrong_field_stores_nothing():
    with transaction.atomic(using="kit"), pytest.raises(carveout.InvalidEvent, match="seat"):
        carveout.publish(TicketMoved(number="T-1", seat="front"))
    assert logged() == []


def test_a_context_that_lives_elsewhere_publishes_nothing_here(kit):
    kit.set(HOSTED=["desk"])
    with transaction.atomic(using="kit"), pytest.raises(carveout.InvalidEvent, match="not hosted"):
        carveout.publish(TicketSold(number="T-1"))
    assert logged() == []


def test_the_relay_is_woken_after_the_commit_and_not_before(valkey):
    with valkey.client as client, client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe("carveout:wake:tickets")
        heard.get_message(timeout=1)
        with transaction.atomic(using="kit"):
            carveout.publish(TicketSold(number="T-1"))
            assert heard.get_message(timeout=0.05) is None
        assert heard.get_message(timeout=5)


def test_a_rollback_wakes_nobody(valkey):
    with valkey.client as client, client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe("carveout:wake:tickets")
        heard.get_message(timeout=1)
        with pytest.raises(ZeroDivisionError), transaction.atomic(using="kit"):
            carveout.publish(TicketSold(number="T-1"))
            raise ZeroDivisionError
        assert heard.get_message(timeout=0.05) is None


def test_a_publish_in_a_savepoint_wakes_although_an_earlier_one_rolled_back(valkey):
    with valkey.client as client, client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe("carveout:wake:tickets")
        heard.get_message(timeout=1)
        with transaction.atomic(using="kit"):
            with pytest.raises(ZeroDivisionError), transaction.atomic(using="kit"):
                carveout.publish(TicketSold(number="T-1"))
                raise ZeroDivisionError
            carveout.publish(TicketSold(number="T-2"))
        assert heard.get_message(timeout=5)


def test_publish_does_not_need_redis(valkey):
    valkey.stop()
    for number in ("T-1", "T-2"):
        with transaction.atomic(using="kit"):
            carveout.publish(TicketSold(number=number))
    assert len(logged()) == 2


def test_whatever_goes_wrong_after_the_commit_does_not_reach_the_publisher(monkeypatch):
    def fail(context: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(publish, "notify_relay", fail)
    with transaction.atomic(using="kit"):
        carveout.publish(TicketSold(number="T-1"))
    assert len(logged()) == 1


def test_a_listener_that_lost_redis_says_so_and_comes_back(valkey):
    listener = WakeupListener(["tickets"])
    listener.wait()
    valkey.stop()
    with pytest.raises(carveout.StreamUnavailable) as caught:
        listener.wait()
    assert caught.value.retryable
    valkey.start()
    listener.wait()
    listener.close()


def test_several_events_are_stored_in_order_or_none_of_them():
    with transaction.atomic(using="kit"):
        ids = carveout.publish_many([TicketSold(number=f"T-{number}") for number in range(1, 4)])
    rows = LoggedEvent.objects.using("kit").order_by("id")
    assert list(rows.values_list("event_id", flat=True)) == ids
    assert [key for _, key in logged()] == ["T-1", "T-2", "T-3"]
    wrong = [TicketSold(number="T-4"), TicketSold(number=5)]
    with pytest.raises(carveout.InvalidEvent), transaction.atomic(using="kit"):
        carveout.publish_many(wrong)
    assert len(logged()) == 3


def test_no_event_is_nothing_to_publish():
    assert carveout.publish_many([]) == []


def test_a_change_goes_if_its_event_is_not_stored_though_nobody_heeds_the_error():
    one = rows.NewRecord(uuid.uuid4(), timezone.now(), "tickets", "", 1, *[""] * 7)
    with transaction.atomic(using="kit"):
        reader.append([one], "kit")
        with suppress(IntegrityError):
            reader.append([one], "kit")
        with pytest.raises(TransactionManagementError):
            logged()
    assert logged() == []


def test_a_connection_that_is_lost_often_is_made_anew_each_time(valkey):
    with valkey.client as client, client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe("carveout:wake:tickets")
        heard.get_message(timeout=1)
        for _ in range(150):
            client.client_kill_filter(_type="normal", skipme=True)
            notify_relay("tickets")
            assert heard.get_message(timeout=5)
