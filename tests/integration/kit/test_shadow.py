"""The mode `shadow`: the call works, and its event is run for comparison only."""

import secrets
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

import carveout
from carveout.events.event import PartitionRef
from carveout.models import Delivery, LoggedEvent, Mismatch, RecordedCall, RecordedRow
from carveout.operations import seam_modes, seam_results
from carveout.operations.audit import Actor
from carveout.operations.doctor import seams as doctor_seams
from carveout.operations.doctor.finding import Level
from carveout.operations.seam_guard import SeamGuard
from carveout.operations.seam_modes import SwitchRefused, seams, switch_to
from carveout.seams import comparison, declared_rules, results, switch, twin
from carveout.seams.effects import coverage
from carveout.seams.effects.comparing import time_windows
from carveout.subscriptions import cursors, handled_types
from carveout.subscriptions.cursors import BEGINNING
from carveout.subscriptions.subscription import registry
from carveout.telemetry import counters
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketToBill
from tests.integration.kit.desk.models import Note, note, notes
from tests.integration.kit.tickets.events import TicketMoved, TicketSold
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import announce
from tests.integration.kit.tickets.services import sold as tickets_sold

pytestmark = pytest.mark.usefixtures("kit")

NAME = "desk.greet"
MARIA = Actor("maria")


def greet(number: str, price: object) -> None:
    """The old function: a row and a mail."""
    note(f"{number} costs {price}")
    mail.send_mail(
        f"Your ticket {number}", f"{price} in all", "desk@example.org", [f"{number}@example.org"]
    )


def sell(number: str, call=greet) -> None:
    with transaction.atomic(using="kit"):
        ticket = Ticket.objects.using("kit").create(number=number, title="Concert")
        ticket.refresh_from_db()
        carveout.seam(NAME, lambda: call(number, ticket.price), lambda: TicketSold(number=number))


def subscribe(handler) -> None:
    carveout.subscribe("tickets.TicketSold", name="greet", seam=NAME)(handler)
    twin.declare(NAME)


def shadow(share: int = 100) -> None:
    switch_to(NAME, "shadow", share, MARIA, "a trial")
    switch.forget()
    steps.flow()  # what compares begins with the next event


def by_event(event, ticket: TicketToBill):
    greet(event.key, ticket.price)


@pytest.fixture(autouse=True)
def _again_at_once(monkeypatch):
    """What differs is compared again without a pause."""
    monkeypatch.setattr(comparison, "AGAIN_AFTER_S", 0.0)


@pytest.fixture
def same(kit):
    subscribe(by_event)
    shadow()


def found() -> SimpleNamespace:
    [row] = [each for each in seams() if each.name == NAME]
    results = seam_results.of(row)
    told = [(each.outcome, each.shape) for each in results.mismatches]
    return SimpleNamespace(**vars(results.summary), compared=results.summary.compared, told=told)


def settle() -> None:
    steps.flow()
    steps.until(lambda: not RecordedCall.objects.using("kit").exists())


def compare_one(handler, call=greet) -> None:
    """Compare one call with what a handler does."""
    subscribe(handler)
    shadow()
    sell("T-1", call)
    settle()


def test_the_call_works_and_its_event_is_only_compared(same):
    sell("T-1")
    assert notes() == ["T-1 costs 12.50"]
    settle()
    assert notes() == ["T-1 costs 12.50"]
    assert len(mail.outbox) == 1
    assert (found().equal, found().told) == (1, [])
    assert not RecordedRow.objects.using("kit").exists()


FAULTS = {
    "wrong field": lambda event, ticket: greet(event.key, ticket.seat.place),
    "wrong amount": lambda event, ticket: greet(event.key, ticket.price + Decimal("0.01")),
    "missing row": lambda event, ticket: mail_only(event.key, ticket.price),
    "extra row": lambda event, ticket: (greet(event.key, ticket.price), note("more")),
    "extra mail": lambda event, ticket: (
        greet(event.key, ticket.price),
        mail_only(event.key, ticket.price),
    ),
    "no effects": lambda event, ticket: None,
    "doubled": lambda event, ticket: [greet(event.key, ticket.price) for _ in range(2)],
    "raises": lambda event, ticket: [][1],
}


def mail_only(number: str, price: object) -> None:
    mail.send_mail(
        f"Your ticket {number}", f"{price} in all", "desk@example.org", [f"{number}@example.org"]
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(kit, fault):
    def wrong(event, ticket: TicketToBill):
        FAULTS[fault](event, ticket)

    compare_one(wrong)
    assert found().different == 1
    assert found().told
    assert notes() == ["T-1 costs 12.50"]
    assert len(mail.outbox) == 1


def test_what_somebody_else_changed_meanwhile_has_moved_on(same):
    sell("T-1")
    Note.objects.using("kit").update(text="corrected by hand")
    settle()
    assert (found().moved_on, found().compared) == (1, 0)
    assert notes() == ["corrected by hand"]


def test_what_can_not_be_recorded_is_not_comparable(same, tmp_path):
    def writes(number, price):
        greet(number, price)
        (tmp_path / "ticket.txt").write_text(number)

    sell("T-1", writes)
    settle()
    assert (found().not_comparable, found().compared) == (1, 0)


def test_hooks_after_the_commit_belong_to_the_call(kit):
    def later(number, price):
        note(f"{number} costs {price}")
        transaction.on_commit(lambda: mail_only(number, price), using="kit")

    def same_later(event, ticket: TicketToBill):
        later(event.key, ticket.price)

    subscribe(same_later)
    shadow()
    sell("T-1", later)
    assert len(mail.outbox) == 1
    settle()
    assert (found().equal, len(mail.outbox)) == (1, 1)


def test_only_the_share_is_compared(same):
    shadow(share=30)
    for number in range(40):
        sell(f"T-{number}")
    settle()
    assert len(notes()) == 40
    assert 0 < found().equal < 40


def test_a_call_that_fails_fails_as_before_and_leaves_nothing(same):
    def breaks(number, price):
        greet(number, price)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sell("T-1", breaks)
    assert notes() == []
    assert not RecordedRow.objects.using("kit").exists()
    assert not LoggedEvent.objects.using("kit").filter(key="T-1").exists()


def test_a_call_whose_error_is_caught_leaves_no_recording(same):
    def breaks():
        note("before it broke")
        raise ZeroDivisionError

    with transaction.atomic(using="kit"), suppress(ZeroDivisionError):
        carveout.seam(NAME, breaks, lambda: TicketSold(number="T-1"))
    assert notes() == ["before it broke"]
    assert not RecordedRow.objects.using("kit").exists()


def test_an_event_that_can_not_be_made_is_counted_and_the_call_works(same):
    with transaction.atomic(using="kit"):
        carveout.seam(NAME, lambda: note("called"), lambda: TicketSold(nonsense=1))
    steps.flow()
    assert notes() == ["called"]
    assert found().waiting == 1


def test_events_mode_is_refused_while_differences_are_not_explained(kit):
    def wrong(event, ticket: TicketToBill):
        greet(event.key, f"{ticket.price} EUR")

    compare_one(wrong)
    with pytest.raises(SwitchRefused, match="not explained"):
        switch_to(NAME, "events", 100, MARIA, "now")
    seam_modes.ignore(NAME, [shape for _, shape in found().told], MARIA, "wording")
    sell("T-2")
    settle()
    assert (found().equal, found().different) == (1, 1)
    assert switch_to(NAME, "events", 100, MARIA, "now").mode == "events"


def test_a_guard_switches_back_by_itself(kit):
    def wrong(event, ticket: TicketToBill):
        greet(event.key, f"{ticket.price} EUR")

    subscribe(wrong)
    switch_to(NAME, "shadow", 100, MARIA, "a trial", guard=2)
    switch.forget()
    steps.flow()
    for number, mode in ((1, "shadow"), (2, "direct")):
        sell(f"T-{number}")
        settle()
        SeamGuard(["desk"]).check()
        assert seam().mode == mode
    assert (seam().changed_by, seam().reason) == ("guard", "2 differences, and its guard is 2")


def test_a_guard_counts_the_events_that_failed(kit):
    def fails(event):
        raise ZeroDivisionError

    subscribe(fails)
    switch_to(NAME, "events", 100, MARIA, "a trial", guard=1)
    switch.forget()
    sell("T-1")
    SeamGuard(["desk"]).check()
    assert seam().mode == "events"
    steps.flow()
    SeamGuard(["desk"]).check()
    assert seam().mode == "direct"


def seam():
    [row] = [each for each in seams() if each.name == NAME]
    return row


def test_what_the_handler_read_may_have_changed_since(kit):
    def count(number, price):
        note(f"{number} after {Note.objects.using('kit').count()}")

    def count_by_event(event, ticket: TicketToBill):
        count(event.key, ticket.price)

    subscribe(count_by_event)
    shadow()
    sell("T-1", count)
    note("somebody else's")
    settle()
    assert (found().moved_on, found().different) == (1, 0)


def test_what_it_read_of_its_own_work_is_no_excuse(kit):
    def count(number, price):
        note(number)
        note(f"{number} of {Note.objects.using('kit').count()}")

    def count_without(event, ticket: TicketToBill):
        note(f"{event.key} of {Note.objects.using('kit').count()}")

    compare_one(count_without, count)
    assert (found().moved_on, found().different) == (0, 1)


def test_random_values_do_not_count(kit):
    def with_token(number, price):
        note(f"{number} {secrets.token_hex(8)}")

    def token_by_event(event, ticket: TicketToBill):
        with_token(event.key, ticket.price)

    compare_one(token_by_event, with_token)
    assert (found().equal, found().different) == (1, 0)


def test_rules_say_what_may_differ(kit, monkeypatch):
    monkeypatch.setattr(declared_rules, "_declared", {})
    carveout.seam_rules(
        NAME,
        ignore=["kit_desk_note.text"],
        clean={"mail.body": lambda body: body.replace(" EUR", "")},
    )

    def other_words(event, ticket: TicketToBill):
        greet(event.key, f"{ticket.price} EUR")

    compare_one(other_words)
    assert (found().equal, found().told) == (1, [])


def test_a_lookup_sees_the_rows_from_before_the_call(kit):
    def raise_price(number, price):
        note(price)
        Ticket.objects.using("kit").filter(number=number).update(price=price + 1)

    def raise_by_event(event, ticket: TicketToBill):
        raise_price(event.key, ticket.price)

    compare_one(raise_by_event, raise_price)
    assert found().equal == 1
    assert Ticket.objects.using("kit").get().price == Decimal("13.50")


def test_calls_inside_calls_are_part_of_them(same):
    def outer(number, price):
        carveout.seam(NAME, lambda: greet(number, price), lambda: TicketSold(number=number))

    sell("T-1", outer)
    settle()
    assert (found().equal, len(notes())) == (1, 1)


def test_a_guard_without_seams_looks_for_none(monkeypatch):
    @carveout.subscribe("tickets.TicketSold")
    def listens(event): ...

    monkeypatch.setattr(seam_modes, "stored", lambda: pytest.fail("looked"))
    SeamGuard(["desk"]).check()


def test_a_guard_that_can_not_look_stops_no_consumer(same, monkeypatch, caplog):
    def broken():
        raise DatabaseError("no such column: carveout_seam.guard")

    monkeypatch.setattr(seam_modes, "stored", broken)
    guard = SeamGuard(["desk"])
    guard.check()
    guard.check()
    assert caplog.text.count("The guards of seams can't be checked") == 1


@pytest.mark.parametrize(("mode", "guard"), [("direct", 1), ("shadow", 0)])
def test_a_guard_that_makes_no_sense_is_refused(same, mode, guard):
    with pytest.raises(SwitchRefused, match="a guard is a whole number of at least 1"):
        switch_to(NAME, mode, 100, MARIA, "x", guard=guard)


def test_contexts_in_several_databases_are_refused(kit, of_desk):
    kit.change("desk", database=of_desk)
    subscribe(by_event)
    with pytest.raises(SwitchRefused, match="shadow needs all of its contexts in one database"):
        switch_to(NAME, "shadow", 100, MARIA, "x")


@pytest.mark.django_db
def test_the_admin_shows_both_sides(kit, admin_client):
    def wrong(event, ticket: TicketToBill):
        greet(event.key, f"{ticket.price} EUR")

    compare_one(wrong)
    page = admin_client.get("/admin/carveout/seam/?database=kit").content.decode()
    assert "0 equal, 1 different" in page
    row = Mismatch.objects.using("kit").get(shape="mail.body")
    url = f"/admin/carveout/mismatch/{row.pk}/change/?database=kit"
    page = admin_client.get(url).content.decode()
    assert "<code>12.50 in all</code>" in page
    assert "<code>12.50 EUR in all</code>" in page


def test_the_command_shows_what_was_found(same, capsys):
    sell("T-1")
    settle()
    call_command("seams", NAME)
    printed = capsys.readouterr().out
    assert "compared  equal  different" in printed
    assert "at most 100 %" in printed


def test_what_passes_within_a_second_is_no_difference(kit):
    late = [" by a replica that is behind", ""]

    def catches_up(event, ticket: TicketToBill):
        greet(event.key, f"{ticket.price}{late.pop(0) if late else ''}")

    subscribe(catches_up)
    shadow()
    sell("T-1")
    late[1:1] = late[:1]  # each comparison that finds a difference runs the handler twice
    settle()
    assert (found().equal, found().different) == (1, 0)


def test_a_new_table_is_recorded_or_makes_nothing_comparable(same, database):
    """SQLite's triggers are made by each connection, so they cover it at once."""
    with connections["kit"].cursor() as cursor:
        cursor.execute("CREATE TABLE new_one (id integer PRIMARY KEY)")
    try:
        coverage.forget()
        sell("T-1")
        settle()
        if database.startswith("sqlite"):
            assert found().equal == 1
        else:
            assert (found().not_comparable, found().compared) == (1, 0)
            assert "rows of new_one are not recorded" in found().told[0][1]
    finally:
        with connections["kit"].cursor() as cursor:
            cursor.execute("DROP TABLE new_one")


def test_another_database_is_not_comparable(same, of_desk):
    def writes_elsewhere(number, price):
        greet(number, price)
        Note.objects.using(of_desk).create(text="elsewhere")

    sell("T-1", writes_elsewhere)
    settle()
    assert (found().not_comparable, found().compared) == (1, 0)


def test_doctor_tells_of_calls_that_wait_for_long(same):
    sell("T-1")
    [finding] = doctor_seams.check("desk")
    assert finding.level == Level.OK
    RecordedCall.objects.using("kit").update(began_at=timezone.now() - timedelta(minutes=6))
    [finding] = doctor_seams.check("desk")
    assert "1 call recorded over 5 minutes ago" in str(finding)
    assert results.prune(timezone.now(), "kit") == 1
    assert not RecordedRow.objects.using("kit").exists()


def test_an_event_of_a_failed_comparison_is_kept(same):
    """Whoever compares may fail; neither the call nor other subscriptions notice."""
    sell("T-1")
    RecordedCall.objects.using("kit").update(outside="not JSON")
    steps.flow()
    assert Delivery.objects.using("kit").get().subscription == "desk.greet_shadow"
    assert notes() == ["T-1 costs 12.50"]


def test_what_handlers_publish_for_comparison_wakes_nobody(kit):
    def publishes(number, price):
        carveout.publish(TicketMoved(number=number, seat=1))

    def publishes_by_event(event, ticket: TicketToBill):
        publishes(event.key, ticket.price)

    compare_one(publishes_by_event, publishes)
    assert found().equal == 1
    counters.flush()
    assert counters.read("caused") == {}  # else the map would show that it happened


def test_a_recording_with_holes_is_not_comparable(same, monkeypatch):
    @contextmanager
    def with_holes(database, token):
        problems = []
        yield problems
        problems.append("a row was lost")

    sell("T-1")
    monkeypatch.setattr("carveout.seams.handlers.row_images.recording", with_holes)
    settle()
    assert found().told == [("not comparable", "a row was lost")]


def test_what_compared_before_holds_no_new_subscription_up(kit):
    cursors.create("desk.told_shadow", PartitionRef("tickets", 0), BEGINNING, "kit", "")
    subscribe(by_event)
    to_do = registry["desk.greet"]
    assert handled_types.predecessors(to_do) == []
    cursors.create("desk.told", PartitionRef("tickets", 0), BEGINNING, "kit", "")
    assert handled_types.predecessors(to_do) == ["desk.told"]
    assert handled_types.predecessors(registry["desk.greet_shadow"]) == []


def test_stories_of_other_events_do_not_name_what_compares(same, capsys):
    announce(tickets_sold(1))
    steps.flow()
    call_command("story", "T-1")
    assert "greet_shadow" not in capsys.readouterr().out


@pytest.mark.parametrize("use_tz", [True, False])
def test_times_of_the_run_are_now_however_long_the_call_takes(kit, settings, monkeypatch, use_tz):
    settings.USE_TZ = use_tz
    settings.TIME_ZONE = "Asia/Tokyo"
    monkeypatch.setattr(time_windows, "WIDENED_BY", timedelta(milliseconds=100))

    def slow(number, price):
        note(f"{number} at {timezone.now().isoformat()}")
        time.sleep(0.3)

    def fast_by_event(event, ticket: TicketToBill):
        note(f"{event.key} at {timezone.now().isoformat()}")

    subscribe(fast_by_event)
    shadow()
    sell("T-1", slow)
    time.sleep(0.2)
    settle()
    assert (found().equal, found().told) == (1, [])


def test_what_a_subscription_declines_has_no_effects(kit):
    def only_cheap(ticket: TicketToBill) -> bool:
        return ticket.price < 10

    decorate = carveout.subscribe(
        "tickets.TicketSold", name="greet", seam=NAME, via="rq", when=only_cheap
    )
    decorate(by_event)
    twin.declare(NAME)
    shadow()
    sell("T-1")
    settle()
    assert ("different", "kit_desk_note: missing") in found().told
