"""A clock that was wrong and was put right: nothing waits longer than it rightly may."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

import carveout
from carveout.deliveries import runnable, store
from carveout.models import Delivery
from carveout.operations.doctor import deliveries
from carveout.operations.doctor.finding import Level
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketToShow
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sell, sold

pytestmark = pytest.mark.usefixtures("kit", "rq_signals")

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

DAY = timedelta(days=1)


@pytest.fixture
def clock(monkeypatch) -> Callable:
    """Gives: a block in which the clock of this process is ahead."""
    right = timezone.now

    @contextmanager
    def ahead(by: timedelta) -> Iterator[None]:
        with monkeypatch.context() as patched:
            patched.setattr(timezone, "now", lambda: right() + by)
            yield

    return ahead


@pytest.fixture
def mended() -> list[bool]:
    return []


@pytest.fixture
def stamp(kit, mended):
    """A handler that fails until it is mended, in a consumer or a job."""

    def declared(**options):
        kit.set(RETRY_BASE_S=200)

        @carveout.subscribe("tickets.TicketSold", **options)
        def stamp(event):
            if not mended:
                raise ValueError(event.key)
            note(event.key)

        announce(sold(1))
        steps.flow()

    return declared


def row() -> Delivery:
    return Delivery.objects.using("kit").get()


def told() -> list[str]:
    return [str(each) for each in deliveries.check("desk") if each.level == Level.WARNING]


def test_what_failed_under_a_clock_that_was_ahead_is_tried_at_once(stamp, mended, clock):
    with clock(DAY):
        stamp()
    assert row().due_at > timezone.now() + DAY / 2
    assert "1 wait or are claimed until" in told()[0]
    mended.append(True)
    assert runnable.any_due("kit")
    steps.consume()
    assert notes() == ["T-1"]
    assert told() == []


def test_a_job_that_was_queued_under_a_clock_that_was_ahead_is_looked_for(
    stamp, mended, clock, valkey
):
    with clock(DAY):
        stamp(via="rq")
    valkey.flush()
    mended.append(True)
    steps.consume()
    call_command("work", "desk", once=True, verbosity=0)
    assert notes() == ["T-1"]


@pytest.mark.parametrize("state", [Delivery.State.WAITING, Delivery.State.QUEUED])
def test_a_claim_from_a_clock_that_was_ahead_is_over(state, stamp, mended, clock):
    stamp()
    Delivery.objects.using("kit").update(state=state, due_at=timezone.now())
    with clock(DAY):
        assert steps.claim(row())
    assert "claimed until" in told()[0]
    mended.append(True)
    steps.try_once(row())
    assert notes() == ["T-1"]


def test_a_delivery_with_such_a_claim_may_be_edited(stamp, clock):
    stamp()
    Delivery.objects.using("kit").update(due_at=timezone.now())
    with clock(DAY):
        steps.claim(row())
    assert store.replace_data(row(), {"number": "T-2"}, "kit")


@pytest.mark.parametrize("cap_s", [None, 3_600.0])
def test_the_longest_rightful_wait_is_waited(cap_s, stamp):
    stamp(retry_cap_s=cap_s)
    wait = timedelta(seconds=cap_s or 300)
    Delivery.objects.using("kit").update(due_at=timezone.now() + wait)
    assert not runnable.any_due("kit")
    assert (
        runnable.due([carveout.subscriptions.subscription.registry["desk.stamp"]], "kit", 9) == []
    )
    assert told() == []


class TestAClaim:
    """It lasts as long as a run may take, and no other run begins within."""

    @on_sqlite
    @pytest.mark.parametrize(
        ("options", "lasts_s"),
        [({"time_limit_s": 120.0}, 120), ({}, 30), ({"via": "rq", "time_limit_s": 120.0}, 1)],
    )
    def test_covers_the_limit_of_its_handler_or_job(self, options, lasts_s, kit, stamp, clock):
        kit.set(JOB_TIMEOUT_S=1)
        stamp(**options)
        Delivery.objects.using("kit").update(due_at=timezone.now())
        claimed = steps.claim(row())
        with clock(timedelta(seconds=lasts_s + runnable.CLAIM_MARGIN_S - 1)):
            assert steps.claim(row()) is None
        with clock(timedelta(seconds=lasts_s + runnable.CLAIM_MARGIN_S + 1)):
            again = steps.claim(row())
        assert again.attempts == claimed.attempts + 1

    @on_sqlite
    def test_covers_the_lookups_too(self, kit, clock):
        kit.set(LOOKUP_TIMEOUT_S=50.0)

        @carveout.subscribe("tickets.TicketSold", time_limit_s=1.0)
        def show(event, ticket: TicketToShow):
            raise ValueError

        sell("T-1")
        steps.flow()
        Delivery.objects.using("kit").update(due_at=timezone.now())
        steps.claim(row())
        with clock(timedelta(seconds=51 + runnable.CLAIM_MARGIN_S - 1)):
            assert steps.claim(row()) is None
