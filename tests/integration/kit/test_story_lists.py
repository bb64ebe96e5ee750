"""Lists of stories: which stories are in which, and what they cost however much there is."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import carveout
from carveout.models import Delivery, LoggedEvent
from carveout.operations.story import listing
from carveout.telemetry import correlation
from carveout.telemetry.correlation import Correlation
from tests.integration.kit import steps
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.usefixtures("kit")

LISTS = (listing.newest, listing.slowest, listing.failed, listing.under_way)
STATEMENTS_MAX = 11
"""For one database; the deliveries of three states take one each."""


def titles(stories):
    return [each.title for each in stories]


def sell(*numbers: int) -> None:
    for number in numbers:
        announce(sold(1, prefix=f"S{number}"))


def handled_and_not() -> None:
    """S1 is handled, S2 waits for its next attempt, S3 is dead."""

    @carveout.subscribe("tickets.TicketSold")
    def show(event):
        if event.key == "S2-1":
            raise OSError("later")

    @carveout.subscribe("tickets.TicketSold", max_attempts=1)
    def stamp(event):
        if event.key == "S3-1":
            raise KeyError("stamp")

    sell(1, 2, 3)
    steps.flow()


def test_the_newest_stories_are_first():
    handled_and_not()
    newest = listing.newest()
    assert titles(newest) == [f"tickets.TicketSold S{number}-1" for number in (3, 2, 1)]
    assert [each.state for each in newest] == ["given up", "under way", "done"]


def test_what_failed_or_waits_is_listed_with_where():
    handled_and_not()
    (dead,), (waiting,) = listing.failed(), listing.under_way()
    assert (dead.title, listing.held_up_at(dead)) == ("tickets.TicketSold S3-1", ["desk.stamp"])
    assert (waiting.title, listing.held_up_at(waiting)) == (
        "tickets.TicketSold S2-1",
        ["desk.show"],
    )


def test_a_delivery_whose_event_can_not_be_read_hides_no_other():
    handled_and_not()
    Delivery.objects.using("kit").filter(state="dead").update(event="{")
    assert titles(listing.failed()) == []
    assert titles(listing.under_way()) == ["tickets.TicketSold S2-1"]


def test_an_event_that_no_delivery_holds_up_is_under_way_too():
    sell(1)
    assert titles(listing.under_way()) == ["tickets.TicketSold S1-1"]


def test_the_slowest_is_first():
    handled_and_not()
    LoggedEvent.objects.using("kit").filter(key="S1-1").update(
        time=timezone.now() - timedelta(hours=1)
    )
    assert titles(listing.slowest())[0] == "tickets.TicketSold S1-1"
    assert titles(listing.newest())[-1] == "tickets.TicketSold S1-1"


def test_a_story_is_one_line_however_many_events_it_has():
    with correlation.using(Correlation("import-1")):
        announce(sold(3))
    sell(9)
    assert [each.events for each in listing.newest()] == [1, 3]


def test_a_story_counts_its_events_from_before_the_newest_ones(monkeypatch):
    monkeypatch.setattr(listing, "EVENTS", 1)
    with correlation.using(Correlation("import-1")):
        announce(sold(3))
    (only,) = listing.newest()
    assert (only.events, only.title) == (3, "tickets.TicketSold T-1")


def test_a_failed_event_of_a_log_elsewhere_is_listed_from_its_delivery():
    handled_and_not()
    LoggedEvent.objects.using("kit").all().delete()
    assert titles(listing.failed()) == ["tickets.TicketSold S3-1"]
    assert listing.newest() == []


def fill(events: int, deliveries: int) -> None:
    """A log and dead and waiting deliveries, as if many requests had been made."""
    rows = [
        LoggedEvent(
            context="tickets",
            type="tickets.TicketSold",
            key=f"K-{number}",
            data="{}",
            correlation_id=f"request-{number // 2}",
        )
        for number in range(events)
    ]
    LoggedEvent.objects.using("kit").bulk_create(rows)
    now = timezone.now()
    parked = [
        Delivery(
            subscription="desk.show",
            context="tickets",
            partition=0,
            position=number + 1,
            key=f"D-{number}",
            event_id=(event_id := uuid4()),
            event=f'{{"id": "{event_id}", "type": "tickets.TicketSold", "time": "{now}"}}',
            state=state,
            due_at=now,
        )
        for state in ("dead", "waiting", "queued")
        for number in range(deliveries)
    ]
    Delivery.objects.using("kit").bulk_create(parked)
    with connections["kit"].cursor() as cursor:
        cursor.execute("ANALYZE")


def test_a_list_costs_the_same_however_much_there_is():
    counts = []
    for _ in range(2):
        fill(events=300, deliveries=60)
        for listed in LISTS:
            with CaptureQueriesContext(connections["kit"]) as captured:
                assert len(listed()) == listing.SHOWN
            counts.append(len(captured))
    assert counts[:4] == counts[4:]
    assert max(counts) <= STATEMENTS_MAX


def test_the_ends_of_the_log_and_of_the_deliveries_are_read_by_an_index():
    fill(events=2_000, deliveries=1_000)
    connection = connections["kit"]
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    plans = []

    def look(execute, sql, params, many, context):
        if " DESC LIMIT " in sql:
            with context["connection"].cursor() as cursor:
                cursor.cursor.execute(f"{explain} {sql}", params)
                plans.append("\n".join(map(str, cursor.fetchall())))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        for listed in LISTS:
            listed()
    assert len(plans) == 7
    for plan in plans:
        assert not any(word in plan for word in ("Sort", "Seq Scan", "TEMP B-TREE")), plan
        assert "SCAN carveout_delivery" not in plan
