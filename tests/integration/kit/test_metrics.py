"""Metrics: what Prometheus is shown is what happened, and a part that fails hides no other."""

from contextlib import closing
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

import carveout
from carveout.consumers.consumer import Consumer
from carveout.events.event import PartitionRef
from carveout.lookups import http
from carveout.lookups.circuit_breaker import FAILURES_TO_OPEN
from carveout.models import Delivery, LoggedEvent, Partition
from carveout.operations import metrics
from carveout.operations.metrics import prometheus
from carveout.redis import keys
from carveout.telemetry.liveness import Liveness
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketToShow
from tests.integration.kit.desk.models import note
from tests.integration.kit.tickets.services import announce, sell, sold

pytestmark = pytest.mark.usefixtures("kit")

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def shown(*args, **options) -> dict[tuple[str, ...], float]:
    """Values by name and labels, as Prometheus reads them."""
    families = text_string_to_metric_families(prometheus.text(*args, **options).decode())
    labels = {metric.name: metric.labels for metric in metrics.ALL}
    return {
        (sample.name, *(sample.labels[label] for label in labels[family.name])): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.fixture
def record():
    @carveout.subscribe("tickets.TicketSold")
    def record(event):
        note(event.key)


class TestEvents:
    def test_are_counted_on_their_way(self, record):
        announce(sold(3))
        LoggedEvent.objects.using("kit").update(time=timezone.now() - timedelta(hours=1))
        before = shown()
        assert before["carveout_events_unsequenced", "tickets"] == 3
        assert before["carveout_events_unsequenced_oldest_seconds", "tickets"] >= 3600

        steps.relay()
        shipped = shown()
        assert shipped["carveout_events_unsequenced", "tickets"] == 0
        assert shipped["carveout_events_unsequenced_oldest_seconds", "tickets"] == 0
        assert shipped["carveout_events_published_total", "tickets", "0"] == 3
        assert shipped["carveout_events_shipped_total", "tickets", "0"] == 3
        lag = ("desk.record", "tickets", "0")
        assert shipped["carveout_subscription_lag_events", *lag] == 3
        assert shipped["carveout_subscription_lag_seconds", *lag] >= 3600
        assert shipped["carveout_events_heard_total", "desk.record", "tickets.TicketSold"] == 0

        steps.consume()
        heard = shown()
        assert heard["carveout_subscription_lag_events", *lag] == 0
        assert heard["carveout_subscription_lag_seconds", *lag] == 0
        assert heard["carveout_events_heard_total", "desk.record", "tickets.TicketSold"] == 3

    def test_that_the_stream_lost_are_unshipped(self, record, valkey):
        announce(sold(1))
        steps.relay()
        LoggedEvent.objects.using("kit").update(time=timezone.now() - timedelta(hours=1))
        assert shown()["carveout_events_unshipped_oldest_seconds", "tickets", "0"] == 0
        valkey.flush()
        assert shown()["carveout_events_unshipped_oldest_seconds", "tickets", "0"] >= 3600

    def test_of_a_log_that_lives_elsewhere_lag_behind_its_stream(self, record, kit):
        announce(sold(2))
        steps.relay()
        kit.change("tickets", url="http://127.0.0.1:1")
        kit.set(HOSTED=["desk"])
        there = shown()
        assert there["carveout_subscription_lag_events", "desk.record", "tickets", "0"] == 2
        assert there["carveout_subscription_lag_seconds", "desk.record", "tickets", "0"] > 0
        assert ("carveout_events_published_total", "tickets", "0") not in there


class TestDeliveries:
    def test_are_counted_by_state_with_their_age(self):
        @carveout.subscribe("tickets.TicketSold", max_attempts=1)
        def refuse(event):
            raise OSError("no")

        @carveout.subscribe("tickets.TicketSold")
        def fail(event):
            raise OSError("not yet")

        announce(sold(2))
        steps.flow()
        Delivery.objects.using("kit").update(parked_at=timezone.now() - timedelta(hours=2))
        now = shown()
        assert now["carveout_deliveries", "desk.refuse", "dead"] == 2
        assert now["carveout_deliveries", "desk.refuse", "waiting"] == 0
        assert now["carveout_deliveries", "desk.fail", "waiting"] == 2
        assert now["carveout_deliveries_oldest_seconds", "desk.fail", "waiting"] >= 7200
        assert now["carveout_attempts_failed_total", "desk.fail", "tickets.TicketSold"] >= 2

    def test_that_were_done_later_are_counted(self):
        troubles = [OSError("not yet")]

        @carveout.subscribe("tickets.TicketSold")
        def fail_once(event):
            if troubles:
                raise troubles[0]

        announce(sold(1))
        steps.flow()
        troubles.clear()
        done = ("carveout_deliveries_done_total", "desk.fail_once", "tickets.TicketSold")
        steps.until(lambda: shown()[done] == 1)

    @on_sqlite
    def test_are_counted_up_to_a_limit(self, record, monkeypatch):
        monkeypatch.setattr(metrics.deliveries, "ROWS_MAX", 3)
        now = timezone.now()
        kept = {"subscription": "desk.record", "context": "tickets", "partition": 0, "due_at": now}
        rows = [Delivery(position=at, event_id=event_id(at), **kept) for at in range(5)]
        Delivery.objects.using("kit").bulk_create(rows)
        assert shown()["carveout_deliveries", "desk.record", "waiting"] == 3


def event_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


@on_sqlite
class TestLookups:
    def test_are_counted_with_their_time_and_their_failures(self, kit):
        sell("T-1")
        carveout.look_up(TicketToShow, "T-1")
        kit.set(HOSTED=["desk"])
        kit.change("tickets", url="http://127.0.0.1:1")
        with pytest.raises(carveout.LookupUnavailable):
            carveout.look_up(TicketToShow, "T-1")
        now = shown()
        assert now["carveout_lookup_duration_seconds_count", "desk", "tickets.ticket"] == 2
        assert 0 < now["carveout_lookup_duration_seconds_sum", "desk", "tickets.ticket"] < 60
        assert now["carveout_lookup_failures_total", "desk", "tickets.ticket"] == 1
        assert now["carveout_breaker_open", "tickets"] == 0
        for _ in range(FAILURES_TO_OPEN):
            http.breakers["tickets"].failed()
        assert shown()["carveout_breaker_open", "tickets"] == 1


@on_sqlite
class TestAWorker:
    def test_tells_its_turns_and_the_partitions_that_it_holds(self, record):
        consumer, liveness = Consumer(["desk"]), Liveness("consume")
        liveness.beat()
        liveness.beat(well=False)
        try:
            assert not consumer.is_balanced
            consumer.run_once()
            assert consumer.is_balanced
            now = shown(liveness, consumer.leases_held)
        finally:
            consumer.close()
        assert now["carveout_worker_turns_total", "consume"] == 1
        assert now["carveout_worker_failures_total", "consume"] == 1
        assert now["carveout_worker_last_turn_timestamp_seconds", "consume"] > 1_700_000_000
        assert now["carveout_lease_held", "desk", "tickets", "0"] == 1
        assert now["carveout_consumer_stands", "desk", "tickets", "0"] == 0
        assert now["carveout_consumers", "desk"] == 1
        assert ("carveout_lease_held", "desk", "tickets", "0") not in shown(liveness)


@on_sqlite
class TestAPartitionThatStands:
    def test_is_shown_by_its_owner_and_by_its_consumer_and_no_lag_says_that_all_is_fine(
        self, record, valkey
    ):
        announce(sold(3))
        steps.flow()
        assert shown()["carveout_partition_stopped", "tickets", "0"] == 0
        with valkey.client as redis:
            redis.xadd(keys.stream(PartitionRef("tickets", 0)), {"id": str(uuid4())}, id="7-0")
        steps.relay()
        Partition.objects.using("kit").update(stopped_at=timezone.now() - timedelta(hours=1))
        consumer = Consumer(["desk"])
        try:
            consumer.run_once()
            now = shown(Liveness("consume"), consumer.leases_held)
        finally:
            consumer.close()
        assert now["carveout_partition_stopped", "tickets", "0"] == 1
        assert now["carveout_consumer_stands", "desk", "tickets", "0"] == 1
        assert now["carveout_events_unshipped_oldest_seconds", "tickets", "0"] >= 3600
        assert now["carveout_subscription_lag_seconds", "desk.record", "tickets", "0"] >= 3600


class TestAScrape:
    def test_shows_every_metric_that_there_is(self, record):
        families = text_string_to_metric_families(prometheus.text().decode())
        assert [family.name for family in families] == [metric.name for metric in metrics.ALL]

    @on_sqlite
    def test_without_redis_shows_what_the_database_knows(self, record, valkey):
        announce(sold(1))
        steps.relay()
        valkey.stop()
        now = shown()
        assert now["carveout_events_published_total", "tickets", "0"] == 1
        assert now["carveout_look_succeeded", "log", "tickets"] == 1
        assert now["carveout_look_succeeded", "streams", "tickets"] == 0
        assert ("carveout_events_shipped_total", "tickets", "0") not in now

    def test_without_a_database_shows_what_redis_knows(self, record):
        announce(sold(1))
        steps.flow()
        with connections["kit"].cursor() as cursor:
            cursor.execute("ALTER TABLE carveout_partition RENAME TO gone")
        try:
            now = shown()
        finally:
            with connections["kit"].cursor() as cursor:
                cursor.execute("ALTER TABLE gone RENAME TO carveout_partition")
        assert now["carveout_look_succeeded", "log", "tickets"] == 0
        assert now["carveout_look_succeeded", "deliveries", "kit"] == 1
        assert now["carveout_events_heard_total", "desk.record", "tickets.TicketSold"] == 1

    @on_sqlite
    def test_of_an_inline_project_needs_no_redis(self, record, kit, valkey):
        kit.set(DELIVERY="inline")
        valkey.stop()
        assert 0 not in [value for name, *_, value in shown_looks()]

    @pytest.mark.parametrize("database", ["postgres"], indirect=True)
    def test_waits_for_no_slow_query(self, record, monkeypatch):
        monkeypatch.setattr(metrics.metric, "QUERY_S", 1.0)  # more than others take when it is busy
        announce(sold(1))
        with closing(connections["kit"].copy()) as holder:
            holder.set_autocommit(False)
            holder.cursor().execute("LOCK TABLE carveout_delivery IN ACCESS EXCLUSIVE MODE")
            now = shown()
            holder.rollback()
        assert now["carveout_look_succeeded", "deliveries", "kit"] == 0
        assert now["carveout_look_succeeded", "log", "tickets"] == 1

    def test_asks_no_more_for_a_longer_log(self, record):
        def queries() -> list[str]:
            with CaptureQueriesContext(connections["kit"]) as asked:
                shown()
            return [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]

        announce(sold(1))
        steps.relay()
        few = len(queries())
        announce(sold(50, "U"))
        steps.relay()
        assert len(queries()) == few


def shown_looks() -> list[tuple[str, ...]]:
    looks = [(*key, value) for key, value in shown().items() if key[0] == "carveout_look_succeeded"]
    assert looks
    return looks
