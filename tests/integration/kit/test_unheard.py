"""What passes unheard: types that are added, releases side by side, and other names."""

import logging
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

import carveout
from carveout.checks import check_cursors
from carveout.consumers import inline
from carveout.consumers.consumer import Consumer
from carveout.consumers.partition import PartitionConsumer
from carveout.consumers.source import StreamSource
from carveout.eventlog.retention import store_reported_cursors
from carveout.events.event import PartitionRef
from carveout.models import Attempt, Cursor, Delivery, LoggedEvent, ReportedCursor
from carveout.operations.doctor import subscriptions as doctor
from carveout.subscriptions import handled_types, subscription
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, moves, returned, sold

pytestmark = pytest.mark.usefixtures("kit")

SOLD, RETURNED = "tickets.TicketSold", "tickets.TicketReturned"
RELEASE_1, RELEASE_2 = (SOLD,), (SOLD, RETURNED)


def release(*types: str, called: str = "ear", **options: object) -> None:
    """From now on exactly this is declared."""

    def handler(event):
        note(f"{event.type.split('.')[1]} {event.key}")

    handler.__name__ = called
    subscription.registry.clear()
    carveout.subscribe(*types, **options)(handler)


def consumer(number: int, *types: str, **options: object) -> PartitionConsumer:
    """A consumer of a release, on one partition."""
    release(*types, **options)
    ref = PartitionRef("tickets", number)
    return PartitionConsumer(ref, subscription.hosted(["desk"]), StreamSource("desk", ref))


def returns(first: int, last: int) -> list[carveout.Event]:
    return [returned(f"T-{number}") for number in range(first, last + 1)]


def returned_noted() -> list[str]:
    return sorted(text for text in notes() if text.startswith("TicketReturned"))


def expected(first: int, last: int) -> list[str]:
    return sorted(f"TicketReturned T-{number}" for number in range(first, last + 1))


def unheard(*arguments: str) -> None:
    call_command("unheard", "desk.ear", *arguments)


class TestReleasesSideBySide:
    """One consumer of each release."""

    @pytest.mark.parametrize("one_by_one", [False, True])
    @pytest.mark.parametrize("ordered", [False, True])
    def test_old_code_loses_nothing_that_new_code_hears(self, kit, ordered, one_by_one):
        kit.change("tickets", partitions=2)
        old = consumer(1, *RELEASE_1, ordered=ordered)
        steps.relay()
        old.run_once()
        new = consumer(0, *RELEASE_2, ordered=ordered)
        new.run_once()
        announce(returns(1, 20))
        steps.relay()
        for _ in range(3):
            old.run_once(one_by_one=one_by_one)
            new.run_once()
        assert 0 < len(returned_noted()) < 20
        steps.until(lambda: returned_noted() == expected(1, 20))
        assert not Delivery.objects.using("kit").exists()

    def test_new_code_declares_before_it_has_a_lease(self):
        release(*RELEASE_1)
        old = Consumer(["desk"])
        announce(sold(1))
        steps.relay()
        old.run_once()
        release(*RELEASE_2)
        new = Consumer(["desk"])
        new.run_once()
        assert list(old.leases_held())
        assert not list(new.leases_held())
        announce(returns(1, 3))
        steps.relay()
        old.run_once()
        old.run_once()
        assert Delivery.objects.using("kit").count() + len(returned_noted()) == 3
        old.close()
        new.close()

    def test_old_code_does_not_try_what_it_keeps(self, caplog):
        release(*RELEASE_2, max_attempts=1)
        announce(sold(1))
        steps.flow()
        release(*RELEASE_1, max_attempts=1)
        announce(returns(1, 2))
        steps.flow()
        Delivery.objects.using("kit").update(due_at="2020-01-01T00:00Z")
        steps.consume()
        rows = Delivery.objects.using("kit").values_list("state", "attempts")
        assert list(rows) == [("waiting", 0)] * 2
        assert returned_noted() == []
        told = [text for text in caplog.messages if "does not handle" in text]
        assert len(told) == 1
        assert "manage.py unheard desk.ear --accept" in told[0]

    def test_jobs_of_new_types_wait_for_new_workers(self, rq_signals):
        release(*RELEASE_2, via="rq", max_attempts=1)
        announce(sold(1))
        steps.flow()
        call_command("work", "desk", "--once")
        release(*RELEASE_1, via="rq", max_attempts=1)
        announce(returns(1, 2))
        steps.flow()
        call_command("work", "desk", "--once")
        assert returned_noted() == []
        assert set(Delivery.objects.using("kit").values_list("attempts", flat=True)) == {0}
        release(*RELEASE_2, via="rq", max_attempts=1)
        Delivery.objects.using("kit").update(due_at="2020-01-01T00:00Z")
        steps.consume()
        call_command("work", "desk", "--once")
        assert returned_noted() == expected(1, 2)

    def test_a_removed_type_is_kept_until_it_is_accepted(self):
        release(*RELEASE_2)
        announce(sold(1))
        steps.flow()
        release(*RELEASE_1)
        announce(returns(1, 2))
        steps.flow()
        (found,) = doctor.check_unheard("desk")
        assert f"keeps {RETURNED}" in found.found
        unheard("--accept", "--yes")
        announce(returns(3, 3))
        steps.flow()
        assert not Delivery.objects.using("kit").exists()
        assert not list(doctor.check_unheard("desk"))


class TestATypeThatIsAdded:
    """Without a mixed release."""

    @pytest.fixture
    def added(self):
        release(*RELEASE_1)
        announce([*sold(2), *returns(1, 4)])
        steps.flow()
        release(*RELEASE_2)
        steps.consume()

    def test_is_told_with_the_choice(self, added, caplog, capsys):
        (told,) = [
            each.message
            for each in caplog.get_records("setup")
            if "handles more types" in each.message
        ]
        assert f"4 {RETURNED} up to 6" in told
        assert "manage.py unheard desk.ear --deliver" in told
        (found,) = doctor.check_unheard("desk")
        assert f"tickets.0: 4 {RETURNED} at 1 to 6" in found.found
        assert [each.id for each in check_cursors(databases=["kit"])] == ["carveout.W021"]
        assert check_cursors() == []
        unheard()
        assert f"4 {RETURNED} at 1 to 6 passed" in capsys.readouterr().out

    def test_is_delivered_once(self, kit, added):
        kit.set(BATCH_ROWS=3)
        unheard("--deliver", "--yes")
        unheard("--deliver", "--yes")
        steps.until(lambda: returned_noted() == expected(1, 4))
        unheard("--deliver", "--yes")
        steps.consume()
        assert returned_noted() == expected(1, 4)

    def test_is_kept_in_the_log_until_it_is_decided(self, added, capsys):
        LoggedEvent.objects.using("kit").update(time=timezone.now() - timedelta(days=2))
        prune = ("prune", "tickets", "--older-than", "1")
        call_command(*prune)
        assert "0 events deleted; events that desk.ear missed are kept from position 1" in (
            capsys.readouterr().out
        )
        unheard("--deliver", "--yes")
        steps.until(lambda: returned_noted() == expected(1, 4))
        call_command(*prune)
        assert "5 events deleted; all known cursors" in capsys.readouterr().out

    def test_is_delivered_as_far_as_the_log_still_has_it(self, added, capsys):
        """A log elsewhere does not know what is kept for somebody here."""
        LoggedEvent.objects.using("kit").filter(position__lte=4).delete()
        unheard("--deliver", "--yes")
        assert f"tickets.0: {RETURNED} at 1 to 4 are pruned and can't be delivered" in (
            capsys.readouterr().out
        )
        steps.until(lambda: returned_noted() == expected(3, 4))
        assert not list(doctor.check_unheard("desk"))

    def test_is_left_out_by_accepting(self, added):
        unheard("--accept", "--yes")
        announce(returns(5, 5))
        steps.flow()
        assert returned_noted() == expected(5, 5)
        assert not list(doctor.check_unheard("desk"))

    def test_is_heard_by_a_replay_and_then_not_delivered_again(self, added):
        call_command("replay", "desk.ear", "--from", "4", "--yes")
        steps.consume()
        assert returned_noted() == expected(2, 4)
        unheard("--deliver", "--yes")
        steps.until(lambda: len(returned_noted()) == 4)
        assert returned_noted() == expected(1, 4)

    def test_without_a_yes_nothing_happens(self, added):
        with pytest.raises(CommandError, match="Nothing was done"):
            unheard("--accept")
        assert list(doctor.check_unheard("desk"))

    def test_of_which_nothing_passed_is_not_told(self, caplog):
        release(*RELEASE_1)
        announce(sold(2))
        steps.flow()
        release(*RELEASE_2)
        steps.consume()
        assert "handles more types" not in caplog.text
        assert not list(doctor.check_unheard("desk"))

    def test_starts_now_if_the_subscription_does(self, caplog):
        release(*RELEASE_1, start="now")
        steps.consume()
        announce(returns(1, 2))
        steps.flow()
        release(*RELEASE_2, start="now")
        steps.consume()
        announce(returns(3, 3))
        steps.flow()
        assert returned_noted() == expected(3, 3)
        assert "handles more types" not in caplog.text

    def test_cursors_of_before_are_taken_as_declared(self, caplog):
        release(*RELEASE_1)
        announce([*sold(1), *returns(1, 1)])
        steps.flow()
        Cursor.objects.using("kit").update(hears="")
        release(*RELEASE_2)
        steps.consume()
        assert Cursor.objects.using("kit").get().hears == handled_types.write(RELEASE_2)
        assert "handles more types" not in caplog.text


class TestAnotherName:
    @pytest.fixture(params=["consumer", "rq", "now", "inline"])
    def options(self, request, kit):
        if request.param == "inline":
            kit.set(DELIVERY="inline")
        return {"via": "rq"} if request.param == "rq" else {}

    @pytest.fixture
    def flow(self, request, rq_signals):
        kind = request.node.callspec.params["options"]

        def flow():
            if kind == "inline":
                inline.deliver()
                return
            steps.flow()
            if kind == "rq":
                call_command("work", "desk", "--once")

        return flow

    @pytest.fixture
    def renamed(self, request, options, flow):
        if request.node.callspec.params["options"] == "now":
            options["start"] = "now"
        release(*RELEASE_1, called="ear", **options)
        flow()
        announce(sold(3))
        flow()
        assert len(notes()) == 3
        release(*RELEASE_1, called="hear", **options)
        announce([sold(4)[-1]])
        flow()

    def test_hears_nothing_again_and_says_what_to_do(self, renamed, caplog):
        assert len(notes()) == 3
        (told,) = [each for each in caplog.get_records("setup") if "does not begin" in each.message]
        assert told.levelno == logging.ERROR
        assert "manage.py rename desk.ear desk.hear" in told.message
        assert "manage.py forget desk.ear" in told.message
        assert [each.id for each in check_cursors(databases=["kit"])] == ["carveout.W020"]
        assert "desk.ear desk.hear" in next(doctor.check("desk")).fix

    def test_goes_on_after_a_rename(self, renamed, flow):
        call_command("rename", "desk.ear", "desk.hear", "--yes")
        flow()
        assert [text.split()[1] for text in notes()] == ["T-1", "T-2", "T-3", "T-4"]

    def test_begins_after_the_old_one_is_forgotten(self, renamed, flow, request):
        call_command("forget", "desk.ear", "--yes")
        flow()
        now = request.node.callspec.params["options"] == "now"
        assert len(notes()) == (3 if now else 7)


def test_others_of_the_context_go_on_beside_a_new_name():
    release(*RELEASE_1)
    announce(sold(1))
    steps.flow()
    release(*RELEASE_1, called="hear")

    @carveout.subscribe(RETURNED)
    def other(event):
        note("other")

    announce(returns(1, 1))
    steps.flow()
    assert notes() == ["TicketSold T-1", "other"]


def test_a_handler_moved_here_from_another_context_does_not_begin():
    release(*RELEASE_1)
    announce(sold(1))
    steps.flow()
    Cursor.objects.using("kit").update(subscription="office.ear")
    steps.consume()
    assert notes() == ["TicketSold T-1"]
    call_command("rename", "office.ear", "desk.ear", "--yes")
    announce([sold(2)[-1]])
    steps.flow()
    assert notes() == ["TicketSold T-1", "TicketSold T-2"]


def test_a_rename_takes_deliveries_attempts_and_reports_along(kit):
    kit.set(RETRY_BASE_S=1000)
    broken = [True]

    def handler(event):
        if broken:
            raise ValueError
        note(event.key)

    handler.__name__ = "ear"
    carveout.subscribe(*RELEASE_1)(handler)
    announce(sold(1))
    steps.flow()
    store_reported_cursors(PartitionRef("tickets", 0))
    subscription.registry.clear()
    handler.__name__ = "hear"
    carveout.subscribe(*RELEASE_1)(handler)
    call_command("rename", "desk.ear", "desk.hear", "--yes", "--reason", "clearer")
    for model in (Cursor, Delivery, Attempt, ReportedCursor):
        names = model.objects.using("kit").values_list("subscription", flat=True)
        assert list(names) == ["desk.hear"]
    broken.clear()
    call_command("deliveries", "retry", "--all", "--yes")
    steps.consume()
    assert notes() == ["T-1"]


def test_an_old_consumer_handles_nothing_after_a_rename():
    old = consumer(0, *RELEASE_1)
    announce(sold(2))
    steps.relay()
    old.run_once()
    release(*RELEASE_1, called="hear")
    call_command("rename", "desk.ear", "desk.hear", "--yes")
    release(*RELEASE_1)  # as the old process sees it
    announce([sold(3)[-1]])
    steps.relay()
    for _ in range(3):
        old.run_once()
    assert len(notes()) == 2


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("desk.hear", "desk.hear", "still declared"),
        ("desk.ear", "desk.none", "no subscription 'desk.none'"),
        ("desk.none", "desk.hear", "no cursors in database 'kit'"),
    ],
)
def test_a_rename_that_can_not_be_is_refused(old, new, problem):
    release(*RELEASE_1, called="hear")
    with pytest.raises(CommandError, match=problem):
        call_command("rename", old, new, "--yes")


def test_a_rename_to_one_that_has_begun_is_refused():
    release(*RELEASE_1, called="ear")
    announce(moves("T-1", 1))
    steps.flow()
    release(*RELEASE_1, called="ear", name="hear")
    call_command("forget", "desk.ear", "--yes")
    steps.consume()
    with pytest.raises(CommandError, match="has already begun"):
        call_command("rename", "desk.ear", "desk.hear", "--yes")


@pytest.mark.parametrize("name", ["ear", "desk.ear"])
def test_a_name_of_its_own_outlives_the_functions(name):
    release(*RELEASE_1, called="ear")
    announce(sold(1))
    steps.flow()
    release(*RELEASE_1, called="hear", name=name)
    announce([sold(2)[-1]])
    steps.flow()
    assert notes() == ["TicketSold T-1", "TicketSold T-2"]


@pytest.mark.parametrize("name", ["office.ear", "an ear", "x" * 300])
def test_a_name_that_can_not_be_is_refused(name):
    with pytest.raises(carveout.CarveoutError, match="name"):
        release(*RELEASE_1, name=name)
