"""Prune and forget: old events go, but never one that some cursor has not passed."""

import re
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

import carveout
from carveout.consumers.consumer import Consumer
from carveout.eventlog import retention
from carveout.eventlog.relay import Relay
from carveout.events.event import PartitionRef
from carveout.models import Cursor, LoggedEvent, ReportedCursor
from carveout.redis import groups, keys
from carveout.subscriptions import subscription
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.usefixtures("kit")

PARTITION = PartitionRef("tickets", 0)


@pytest.fixture(autouse=True)
def ear(kit):
    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        note(event.key)


def log():
    return LoggedEvent.objects.using("kit").order_by("position")


def left() -> list[int]:
    return list(log().values_list("position", flat=True))


def age(days: int, **filters: object) -> None:
    log().filter(**filters).update(time=timezone.now() - timedelta(days=days))


def prune(days: float = 1) -> None:
    call_command("prune", "tickets", "--older-than", str(days))


def forget(name: str = "desk.ear") -> None:
    call_command("forget", name, "--yes")


def heard(count: int) -> None:
    announce(sold(count))
    steps.flow()


def gone_from_the_code(name: str = "desk.ear") -> None:
    del subscription.registry[name]


class TestPrune:
    def test_old_events_that_all_have_handled_go(self):
        heard(5)
        age(10, position__lte=3)
        prune()
        assert left() == [4, 5]

    def test_young_events_stay(self):
        heard(3)
        prune()
        assert left() == [1, 2, 3]

    def test_the_newest_stays_however_old(self):
        heard(3)
        age(10)
        prune()
        assert left() == [3]

    def test_nothing_goes_past_a_cursor_here(self):
        heard(5)
        age(10)
        Cursor.objects.using("kit").update(position=2)
        groups.forget_subscription(PARTITION, "desk.ear")
        prune()
        assert left() == [3, 4, 5]

    def test_nothing_goes_past_a_cursor_that_was_reported(self):
        """A subscriber with a database of its own."""
        heard(5)
        age(10)
        groups.report_cursors(PARTITION, {"faraway.ear": 3})
        prune()
        assert left() == [4, 5]

    def test_a_report_outlives_a_redis_that_forgets(self, valkey, capsys):
        """What was noted may be from before it was moved back, so it has to be told again."""
        heard(5)
        age(10)
        groups.report_cursors(PARTITION, {"faraway.ear": 3})
        relay = Relay(["tickets"])
        relay.run_once()
        relay.close()
        valkey.flush()
        prune()
        assert left() == [1, 2, 3, 4, 5]
        assert "Redis has no report from faraway.ear: run its consumer" in capsys.readouterr().out
        groups.report_cursors(PARTITION, {"faraway.ear": 1})
        prune()
        assert left() == [2, 3, 4, 5]

    def test_nothing_goes_before_all_elsewhere_can_have_reported_again(self, kit, valkey, capsys):
        """One that began elsewhere, and whose first report was lost before it was noted."""
        heard(5)
        age(10)
        kit.set(HOSTED=["tickets"])
        valkey.flush()
        prune()
        assert left() == [1, 2, 3, 4, 5]
        told = capsys.readouterr().out
        assert re.search("came back empty [0-3] s ago.* run this again in (30|2[789]) s", told)
        kept = keys.reports_since(PARTITION)
        with valkey.client as redis:
            redis.set(kept, int(redis.get(kept)) - 31)
        prune()
        assert left() == [5]

    @pytest.mark.parametrize("report", [{"faraway.ear": 6}, {"x" * 201: 1}])
    def test_reports_that_can_be_nobodys_are_not_noted(self, report):
        heard(5)
        groups.report_cursors(PARTITION, report)
        assert retention.store_reported_cursors(PARTITION) == {"desk.ear"}
        assert not ReportedCursor.objects.using("kit").exclude(subscription="desk.ear").exists()

    def test_one_partition_that_cannot_be_asked_for_keeps_no_other_from_it(
        self, kit, valkey, capsys
    ):
        kit.change("tickets", partitions=2)
        heard(6)
        age(10)
        user = f"half{time.monotonic_ns()}"  # clients are kept by URL
        with valkey.client as redis:
            keys = "~carveout:{tickets.1}:*"
            redis.execute_command("ACL", "SETUSER", user, "on", ">p", keys, "+@all")
        kit.set(REDIS_URL=valkey.url.replace("redis://", f"redis://{user}:p@"))
        before = log().filter(partition=0).count()
        with pytest.raises(CommandError, match="Not every partition"):
            prune()
        assert "tickets.0: nothing was pruned. Redis refused a command" in capsys.readouterr().err
        assert log().filter(partition=0).count() == before
        assert log().filter(partition=1).count() == 1

    def test_nothing_goes_that_nobody_is_known_to_have_handled(self, kit):
        announce(sold(3))
        steps.relay()
        age(10)
        prune()
        assert left() == [1, 2, 3]

    def test_what_has_no_position_yet_stays(self):
        heard(3)
        announce(sold(5)[3:])
        age(10)
        prune()
        assert log().filter(position=None).count() == 2

    def test_it_leaves_no_hole_where_times_are_out_of_order(self):
        heard(5)
        age(10, position__in=[1, 3, 4])
        prune()
        assert left() == [2, 3, 4, 5]

    def test_it_works_in_many_small_transactions(self, monkeypatch):
        monkeypatch.setattr(retention, "PRUNE_ROWS", 2)
        heard(8)
        age(10, position__lte=7)
        prune()
        assert left() == [8]

    def test_what_is_left_flows_on(self, valkey):
        heard(3)
        age(10)
        prune()
        valkey.flush()
        announce(sold(5)[3:])
        steps.flow()
        assert notes() == ["T-1", "T-2", "T-3", "T-4", "T-5"]

    def test_it_says_what_it_did(self, capsys):
        heard(3)
        age(10)
        prune()
        told = capsys.readouterr().out
        assert "tickets.0: 2 events deleted; all known cursors have passed position 3" in told


class TestForget:
    def test_a_forgotten_subscription_holds_nothing_back(self):
        heard(4)
        age(10)
        Cursor.objects.using("kit").update(position=1)
        groups.report_cursors(PARTITION, {"desk.ear": 1, "desk.other": 4})
        gone_from_the_code()
        prune()
        assert left() == [2, 3, 4]
        forget()
        prune()
        assert left() == [4]

    def test_one_that_was_only_reported_is_forgotten_too(self):
        heard(4)
        age(10)
        groups.report_cursors(PARTITION, {"faraway.ear": 1})
        retention.store_reported_cursors(PARTITION)
        forget("faraway.ear")
        prune()
        assert left() == [4]
        assert not ReportedCursor.objects.using("kit").filter(subscription="faraway.ear").exists()

    def test_one_that_is_still_declared_is_refused(self):
        heard(1)
        with pytest.raises(CommandError, match="still declared"):
            forget()
        assert Cursor.objects.using("kit").get().position == 1

    def test_an_unknown_one_is_told_so(self):
        with pytest.raises(
            CommandError, match=r"Nothing is known here of a subscription desk\.eye"
        ):
            forget("desk.eye")

    def test_its_group_goes_from_the_stream(self, valkey):
        heard(1)
        groups.mirror_group(PARTITION, "desk.ear", 1)
        gone_from_the_code()
        forget()
        with valkey.client as redis:
            assert redis.xinfo_groups(keys.stream(PARTITION)) == []

    def test_without_a_yes_nothing_is_forgotten(self):
        heard(1)
        gone_from_the_code()
        with pytest.raises(CommandError, match="Nothing was done"):
            call_command("forget", "desk.ear")
        assert Cursor.objects.using("kit").exists()


class TestReports:
    def test_are_told_again_to_a_redis_that_forgot(self, valkey, monkeypatch):
        """Also of a cursor that stands still."""
        heard(3)
        consumer = Consumer(["desk"])
        consumer.run_once()
        valkey.flush()
        consumer._mirrored_at = 0.0
        consumer.run_once()
        assert groups.reported_cursors(PARTITION) == {}  # it did so just now
        monkeypatch.setattr(groups, "REPORT_EVERY_S", 0.0)
        consumer._mirrored_at = 0.0
        consumer.run_once()
        consumer.close()
        assert groups.reported_cursors(PARTITION) == {"desk.ear": 3}

    def test_of_a_cursor_that_was_moved_back_do_not_wait_for_its_consumer(self):
        heard(5)
        steps.relay()
        call_command("replay", "desk.ear", "--from", "3", "--yes")
        assert groups.reported_cursors(PARTITION) == {"desk.ear": 2}
        assert ReportedCursor.objects.using("kit").get().position == 2

    def test_that_cannot_be_told_move_no_cursor_back(self, valkey):
        heard(5)
        valkey.stop()
        with pytest.raises(CommandError, match="Redis did not answer"):
            call_command("replay", "desk.ear", "--from", "3", "--yes")
        assert Cursor.objects.using("kit").get().position == 5
