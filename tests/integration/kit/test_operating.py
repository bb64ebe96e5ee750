"""Deliveries by command, and how often and how soon a subscription is tried again."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

import carveout
from carveout.deliveries import retry_policy, store
from carveout.deliveries.attempt_log import AttemptRun
from carveout.errors import CursorMoved
from carveout.models import Delivery
from carveout.telemetry.notes import RunNotes
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, moves, sold

pytestmark = pytest.mark.usefixtures("kit")


def deliveries(*arguments: object) -> None:
    call_command("deliveries", *map(str, arguments))


def rows(**filters: object):
    return Delivery.objects.using("kit").filter(**filters).order_by("position", "subscription")


def states() -> list[tuple[str, str, int]]:
    return list(rows().values_list("key", "state", "attempts"))


@pytest.fixture
def mended() -> list[bool]:
    """Two subscriptions fail on everything with errors of their own, until this has an entry."""
    mended: list[bool] = []

    def hear(name: str, error: type[Exception]) -> None:
        def handler(event):
            if not mended:
                raise error(f"{name} is broken")
            note(f"{name} {event.key}")

        handler.__name__ = name
        carveout.subscribe("tickets.TicketSold", max_attempts=2)(handler)

    hear("print", ValueError)
    hear("stamp", KeyError)
    return mended


@pytest.fixture
def dead(kit, mended):
    """Three events are dead for one of the subscriptions, and wait for the other."""
    kit.set(RETRY_BASE_S=1000)
    announce(sold(3))
    steps.flow()
    rows().update(due_at=timezone.now() + timedelta(minutes=1))
    rows(subscription="desk.print").update(state=Delivery.State.DEAD)


class TestList:
    def test_groups_by_subscription_state_and_error(self, dead, capsys):
        deliveries()
        told = capsys.readouterr().out.splitlines()
        assert len(told) == 2
        assert sorted(line.split()[:4] for line in told) == [
            ["3", "dead", "desk.print", "builtins.ValueError"],
            ["3", "waiting", "desk.stamp", "builtins.KeyError"],
        ]

    def test_shows_an_id_to_go_on_with(self, dead, capsys):
        deliveries("list", "--subscription", "desk.print")
        identifier = int(capsys.readouterr().out.split()[-1])
        assert rows(subscription="desk.print", pk=identifier).exists()

    def test_says_that_there_are_none(self, capsys):
        deliveries("list")
        assert capsys.readouterr().out.startswith("No deliveries")


class TestRetry:
    def test_dead_ones_run_again_once_the_cause_is_mended(self, dead, mended):
        mended.append(True)
        deliveries("retry", "--subscription", "desk.print", "--yes")
        steps.consume()
        assert notes() == ["print T-1", "print T-2", "print T-3"]
        assert {row.subscription for row in rows()} == {"desk.stamp"}

    def test_by_id(self, dead, mended):
        chosen = rows(subscription="desk.stamp", key="T-2").get()
        mended.append(True)
        deliveries("retry", chosen.pk, "--yes")
        steps.consume()
        assert notes() == ["stamp T-2"]

    def test_by_error(self, dead, mended):
        mended.append(True)
        deliveries("retry", "--error", "builtins.KeyError", "--yes")
        steps.consume()
        assert notes() == ["stamp T-1", "stamp T-2", "stamp T-3"]

    def test_by_state(self, dead, mended):
        mended.append(True)
        deliveries("retry", "--state", "dead", "--yes")
        steps.consume()
        assert notes() == ["print T-1", "print T-2", "print T-3"]

    def test_gives_all_attempts_anew(self, dead):
        deliveries("retry", "--all", "--yes")
        assert {(state, attempts) for _, state, attempts in states()} == {("waiting", 0)}

    def test_what_is_parked_after_the_command_began_is_not_meant(self, dead):
        rows(key="T-3").update(parked_at=timezone.now() + timedelta(minutes=1))
        deliveries("retry", "--state", "dead", "--yes")
        assert [row.key for row in rows(state="dead")] == ["T-3"]


class TestDiscard:
    def test_removes_for_good(self, dead, mended):
        mended.append(True)
        deliveries("discard", "--subscription", "desk.print", "--yes")
        steps.consume()
        assert notes() == []
        assert {row.subscription for row in rows()} == {"desk.stamp"}

    def test_lets_the_next_of_its_key_go(self, kit):
        @carveout.subscribe("tickets.TicketMoved", ordered=True, max_attempts=1)
        def follow(event):
            if event.seat == 1:
                raise ValueError
            note(event.seat)

        announce(moves("T-1", 2))
        steps.flow()
        rows(position=1).update(state=Delivery.State.DEAD)
        steps.consume()
        assert notes() == []
        deliveries("discard", "--state", "dead", "--yes")
        steps.until(lambda: notes() == ["2"])

    def test_one_that_runs_leaves_no_effect(self, dead):
        running = steps.claim(rows(subscription="desk.stamp").first())
        deliveries("discard", running.pk, "--yes")
        with pytest.raises(CursorMoved):  # so that the run is rolled back
            store.complete(running, "kit", AttemptRun(timezone.now(), RunNotes()))


@pytest.mark.parametrize("action", ["retry", "discard"])
class TestCarelessly:
    """Whatever can't be taken back wants to be said."""

    def test_no_choice_is_no_choice_of_all(self, action, dead):
        with pytest.raises(CommandError, match="Choose deliveries"):
            deliveries(action, "--yes")
        assert len(states()) == 6

    def test_without_a_yes_nothing_is_done(self, action, dead, capsys):
        before = states()
        with pytest.raises(CommandError, match="Nothing was done"):
            deliveries(action, "--state", "dead")
        assert "3 deliveries" in capsys.readouterr().out
        assert states() == before


class TestRetryPolicy:
    """Each subscription may have its own."""

    @pytest.fixture(autouse=True)
    def longest(self, monkeypatch):
        """No jitter: each wait is as long as it may be."""
        monkeypatch.setattr(retry_policy.random, "uniform", lambda _, ceiling: ceiling)

    def waits_s(self, attempts: int, **options: object) -> float:
        def handler(event):
            raise ValueError

        handler.__name__ = "listen"
        carveout.subscribe("tickets.TicketSold", **options)(handler)
        announce(sold(1))
        steps.flow()
        for _ in range(attempts - 1):
            rows().update(due_at=timezone.now())
            steps.consume()
        row = rows().get()
        assert (row.state, row.attempts) == ("waiting", attempts)
        return round((row.due_at - timezone.now()).total_seconds())

    def test_the_first_wait_grows_from_its_base(self):
        assert self.waits_s(1, retry_base_s=10) == 20

    def test_waits_double(self):
        assert self.waits_s(3, retry_base_s=10) == 80

    def test_waits_end_at_the_cap(self):
        assert self.waits_s(3, retry_base_s=10, retry_cap_s=30) == 30

    def test_without_its_own_those_of_the_settings_count(self, kit):
        kit.set(RETRY_BASE_S=100, RETRY_CAP_S=150)
        assert self.waits_s(1) == 150

    def test_an_error_to_give_up_on_is_dead_at_once(self, kit):
        kit.set(RETRY_BASE_S=1000)

        @carveout.subscribe("tickets.TicketSold", give_up_on=(LookupError,))
        def listen(event):
            raise KeyError if event.key == "T-1" else ValueError

        announce(sold(2))
        steps.flow()
        assert states() == [("T-1", "dead", 1), ("T-2", "waiting", 1)]

    def test_an_error_to_give_up_on_is_dead_also_later(self):
        @carveout.subscribe("tickets.TicketSold", give_up_on=(LookupError,))
        def listen(event):
            raise KeyError if rows(attempts__gte=2).exists() else ValueError

        announce(sold(1))
        steps.flow()
        rows().update(due_at=timezone.now())
        steps.consume()
        assert states() == [("T-1", "dead", 2)]
