"""Seams: each call is made or its event handled, once and in order, however they are switched."""

import logging
import os
import time
from collections import defaultdict
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import carveout
from carveout.models import Delivery, LoggedEvent, Seam
from carveout.operations.audit import Actor
from carveout.operations.seam_modes import SwitchRefused, ripe, seams, switch_to
from carveout.seams import switch
from tests.integration.kit import children, steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.events import TicketMoved, TicketSold
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.usefixtures("kit")

NAME = "desk.greet"


def greet(key: str) -> None:
    note(f"call {key}")


def sell(key: str) -> None:
    with transaction.atomic(using="kit"):
        carveout.seam(NAME, lambda: greet(key), lambda: TicketSold(number=key))


def to(mode: str, share: int = 100, why: str = "a trial") -> None:
    switch_to(NAME, mode, share, Actor("maria"), why)
    switch.forget()


@pytest.fixture
def subscribed(kit):
    @carveout.subscribe("tickets.TicketSold", name="greet", seam=NAME)
    def greet_by_event(event):
        note(f"event {event.key}")


# -- Which way ---------------------------------------------------------------------------------


def test_at_first_only_the_call_runs_and_nothing_is_published(subscribed):
    def never():
        raise AssertionError("an event was made")

    carveout.seam(NAME, lambda: greet("T-1"), never)
    assert notes() == ["call T-1"]
    assert not LoggedEvent.objects.using("kit").exists()


def test_in_events_mode_only_the_event_is_handled(subscribed):
    to("events")
    sell("T-1")
    assert notes() == []
    steps.flow()
    assert notes() == ["event T-1"]


def test_what_a_transaction_takes_back_happens_neither_way(subscribed):
    for mode in ("events", "direct"):
        to(mode)
        with pytest.raises(ZeroDivisionError), transaction.atomic(using="kit"):
            sell("T-1")
            raise ZeroDivisionError
    steps.flow()
    assert notes() == []


def test_without_a_transaction_the_event_has_one_of_its_own(subscribed):
    to("events")
    carveout.seam(NAME, lambda: greet("T-1"), lambda: TicketSold(number="T-1"))
    steps.flow()
    assert notes() == ["event T-1"]


def test_an_event_of_a_seam_is_for_its_subscriptions_alone(subscribed):
    @carveout.subscribe("tickets.TicketSold")
    def other(event):
        note(f"other {event.key}")

    to("events")
    sell("T-seam")
    announce(sold(1))
    steps.flow()
    assert sorted(notes()) == ["event T-seam", "other T-1"]


def test_a_subscription_of_a_finished_seam_handles_its_events_and_plain_ones(kit):
    @carveout.subscribe("tickets.TicketSold", seam=(NAME, ""))
    def greet_by_event(event):
        note(f"event {event.key}")

    @carveout.subscribe("tickets.TicketSold", seam="desk.other")
    def other(event):
        note(f"other {event.key}")

    assert [each.name for each in seams()] == [NAME, "desk.other"]
    to("events")
    sell("T-seam")
    announce(sold(1))
    steps.flow()
    assert notes() == ["event T-seam", "event T-1"]


def test_a_seam_is_ripe_once_all_its_keys_have_been_events_for_long_enough(subscribed, kit):
    assert "not checked" in ripe(NAME, 0)
    for mode, share in (("events", 50), ("direct", 100)):
        to(mode, share)
        with pytest.raises(SwitchRefused, match=r"Switch it first: .* or, if this is not"):
            ripe(NAME, 7)
    to("events")
    with pytest.raises(SwitchRefused, match=r"has been events for 0 days\. Wait until .* 7"):
        ripe(NAME, 7)
    ago = timezone.now() - timedelta(days=7)
    Seam.objects.using("kit").update(changed_at=ago)
    assert ripe(NAME, 7) == f"{NAME}: events for all keys since {ago:%F}, by maria."
    with pytest.raises(SwitchRefused, match="for 7 days"):
        ripe(NAME, 8)
    with pytest.raises(SwitchRefused, match=r"desk\.greed is unknown in this database"):
        ripe("desk.greed", 7)
    kit.set(SEAMS="events")
    with pytest.raises(SwitchRefused, match="nothing says how it runs in production"):
        ripe(NAME, 7)


def test_a_share_of_the_keys_goes_by_event_and_always_the_same(subscribed):
    to("events", 30)
    keys = [f"T-{number}" for number in range(40)]
    for _ in range(2):
        for key in keys:
            sell(key)
    steps.flow()
    ways = defaultdict(list)
    for way, key in map(str.split, notes()):
        ways[key].append(way)
    assert all(len(each) == 2 and len({*each}) == 1 for each in ways.values())
    assert {way for each in ways.values() for way in each} == {"call", "event"}


# -- While it is switched ----------------------------------------------------------------------


def test_a_call_does_not_overtake_an_event_of_its_key(subscribed):
    to("events")
    sell("T-1")
    to("direct")
    sell("T-1")
    sell("T-2")
    assert notes() == ["call T-2"]
    steps.flow()
    assert notes() == ["call T-2", "event T-1", "event T-1"]
    sell("T-1")
    assert notes()[3:] == ["call T-1"]


def test_a_call_waits_for_a_delivery_that_is_retried(subscribed):
    broken = [True]

    @carveout.subscribe("tickets.TicketSold", name="printer", seam=NAME)
    def printer(event):
        if broken:
            raise ValueError("on fire")

    to("events")
    sell("T-1")
    steps.flow()
    to("direct")
    sell("T-1")
    assert notes() == ["event T-1"]
    broken.clear()
    steps.until(lambda: not Delivery.objects.using("kit").exists())
    steps.flow()
    sell("T-1")
    assert notes() == ["event T-1", "event T-1", "call T-1"]


def test_draining_ends_when_all_is_handled(subscribed, monkeypatch):
    monkeypatch.setattr(switch, "DRAIN_AT_LEAST_S", 0)
    to("events")
    sell("T-1")
    to("direct")
    assert switch.current(NAME).draining
    steps.relay()
    switch.forget()
    assert switch.current(NAME).draining
    steps.flow()
    switch.forget()
    assert switch.current(NAME).only_calls


KEYS_EACH, WRITERS = 25, 3


def test_under_load_each_call_has_its_effect_once_and_in_order(subscribed, monkeypatch):
    monkeypatch.setattr(switch, "READ_EVERY_S", 0.05)
    writers = [children.start(lambda writer=writer: _sell_all(writer)) for writer in range(WRITERS)]
    modes = [("events", 100), ("direct", 100), ("events", 50), ("direct", 100)]
    turns = 0
    while writers:
        to(*modes[turns % 4])
        turns += 1
        time.sleep(0.1)  # calls follow the switch while events are still unhandled
        steps.flow()
        writers = [each for each in writers if os.waitpid(each, os.WNOHANG)[0] == 0]
    steps.flow()
    found = defaultdict(list)
    ways = set()
    for way, key in map(str.split, notes()):
        key, number = key.rsplit("/", 1)
        found[key].append(number)
        ways.add(way)
    assert len(found) == KEYS_EACH * WRITERS
    assert {key: each for key, each in found.items() if each != ["1", "2", "3"]} == {}
    assert turns < 3 or ways == {"call", "event"}


def _sell_all(writer: int) -> None:
    switch.forget()
    for number in range(KEYS_EACH):
        for step in (1, 2, 3):
            _step(f"{writer}-{number}", step)


def _step(key: str, step: int) -> None:
    with transaction.atomic(using="kit"):
        carveout.seam(
            NAME,
            lambda: note(f"call {key}/{step}"),
            lambda: TicketMoved(number=key, seat=step),
        )


@pytest.fixture(autouse=True)
def moved(kit):
    @carveout.subscribe("tickets.TicketMoved", name="move", seam=NAME)
    def move_by_event(event):
        note(f"event {event.key}/{event.seat}")


# -- A switch that can't be read ---------------------------------------------------------------


@pytest.fixture
def unreadable(monkeypatch):
    def fail(seam, known):
        raise DatabaseError("no such table")

    return lambda: monkeypatch.setattr(switch, "_read", fail)


@pytest.mark.parametrize("mode", ["direct", "events"])
def test_the_last_known_mode_stays(subscribed, unreadable, mode, caplog, monkeypatch):
    to(mode)
    monkeypatch.setattr(switch, "READ_EVERY_S", 0)
    assert switch.current(NAME).mode == mode
    unreadable()
    with caplog.at_level(logging.WARNING):
        assert switch.current(NAME).mode == mode
    assert f"{NAME} stays {mode}" in caplog.text


def test_a_process_that_never_knew_the_mode_is_direct(subscribed, unreadable):
    to("events")
    unreadable()
    sell("T-1")
    assert notes() == ["call T-1"]


def test_a_missing_table_does_not_end_the_callers_transaction(subscribed):
    with connections["kit"].cursor() as cursor:
        cursor.execute("ALTER TABLE carveout_seam RENAME TO carveout_seam_away")
    try:
        sell("T-1")
    finally:
        with connections["kit"].cursor() as cursor:
            cursor.execute("ALTER TABLE carveout_seam_away RENAME TO carveout_seam")
    assert notes() == ["call T-1"]


def test_a_seam_of_a_context_that_is_unknown_here_is_direct(kit):
    carveout.seam("nobody.greet", lambda: greet("T-1"), lambda: TicketSold(number="T-1"))
    assert notes() == ["call T-1"]


def test_within_a_second_nothing_is_read_twice(subscribed):
    sell("T-1")
    with CaptureQueriesContext(connections["kit"]) as queries:
        carveout.seam(NAME, lambda: None, lambda: TicketSold(number="T-1"))
    assert len(queries) == 0


# -- Switching ---------------------------------------------------------------------------------


def seams_command(capsys, *arguments: str) -> str:
    call_command("seams", *arguments)
    return capsys.readouterr().out


def test_the_command_switches_and_lists(subscribed, capsys):
    assert seams_command(capsys).splitlines()[1].split() == [NAME, "direct"]
    out = seams_command(capsys, NAME, "--mode", "events", "--share", "10", "--reason", "trial week")
    assert out.startswith(f"{NAME} is events 10 %, in all processes within 5 s.\nBack: ")
    assert "events 10 %" in seams_command(capsys)
    assert "trial week" in seams_command(capsys)
    seams_command(capsys, NAME, "--mode", "direct", "--reason", "enough")
    assert switch.current(NAME).mode == "direct"


def test_who_when_and_why_is_recorded(subscribed, caplog):
    with caplog.at_level(logging.INFO, "carveout.audit"):
        to("events", 10, "trial week")
    row = Seam.objects.using("kit").get()
    assert (row.changed_by, row.reason, row.version) == ("maria", "trial week", 1)
    assert "maria switched from direct to events 10 %: desk.greet in kit: trial week" in caplog.text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("desk.greed", "events", 100, "x"), "Did you mean 'desk.greet'?"),
        ((NAME, "event", 100, "x"), "did you mean 'events'?"),
        ((NAME, "shadow", 0, "x"), "the share is 0 %"),
        ((NAME, "events", 0, "x"), "the share is 0 %"),
        ((NAME, "events", 101, "x"), "the share is 101 %"),
        ((NAME, "direct", 10, "x"), "direct has no share"),
        ((NAME, "events", 100, " "), "needs a reason"),
    ],
)
def test_what_makes_no_sense_is_refused(subscribed, options, says):
    name, mode, share, why = options
    with pytest.raises(SwitchRefused, match=says.replace("?", r"\?")):
        switch_to(name, mode, share, Actor("maria"), why)
    assert not Seam.objects.using("kit").exists()


def test_events_that_nobody_would_handle_are_refused(kit):
    Seam.objects.using("kit").create(name="desk.gone")
    with pytest.raises(SwitchRefused, match="no subscription here has seam"):
        switch_to("desk.gone", "events", 100, Actor("maria"), "x")


def test_a_mode_fixed_by_the_settings_wins_and_is_not_switched(subscribed, kit):
    kit.set(SEAMS={NAME: "events"})
    sell("T-1")
    assert notes() == []
    with pytest.raises(SwitchRefused, match="fixed to 'events'"):
        switch_to(NAME, "direct", 100, Actor("maria"), "x")


def test_deliveries_in_process_ask_no_database(subscribed, kit):
    to("events")
    kit.set(DELIVERY="inline")
    sell("T-1")
    assert notes() == ["call T-1"]
    kit.set(SEAMS="events")
    sell("T-2")
    assert notes() == ["call T-1", "event T-2"]


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (["--mode", "events"], "Name the seam to switch"),
        (["--ignore", "mail.body"], "Name the seam whose differences"),
        (["desk.greed"], "There is no seam 'desk.greed' here"),
    ],
)
def test_half_an_order_is_an_error_of_the_command(subscribed, order, says):
    with pytest.raises(CommandError, match=says):
        call_command("seams", *order)


def test_a_name_is_listed_once(subscribed):
    to("events")
    assert [each.name for each in seams()] == [NAME]


# -- In the admin ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_admin_switches_with_a_reason(subscribed, admin_client, admin_user):
    page = admin_client.get("/admin/carveout/seam/?database=kit").content.decode()
    assert NAME in page
    row = Seam.objects.using("kit").get(name=NAME)
    url = f"/admin/carveout/seam/{row.pk}/change/?database=kit"
    wanted = {"mode": "events", "share": "10"}
    assert "required" in admin_client.post(url, wanted).content.decode()
    assert admin_client.post(url, {**wanted, "reason": "trial week"}).status_code == 302
    row.refresh_from_db()
    assert (row.mode, row.share, row.changed_by) == ("events", 10, admin_user.username)
    (entry,) = LogEntry.objects.filter(user=admin_user)
    assert "trial week" in entry.change_message
