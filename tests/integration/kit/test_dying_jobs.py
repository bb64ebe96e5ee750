"""A job worker that is killed, by whoever: its job runs again, and at last is given up.

Our worker runs jobs in its own process. RQ's own has a work-horse for each, which may die alone.
"""

import os
import signal
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

import carveout
from carveout.models import Delivery
from tests.integration.kit import steps
from tests.integration.kit.children import in_a_child
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.test_jobs import deliveries as states
from tests.integration.kit.test_jobs import work
from tests.integration.kit.tickets.services import announce, moves, sold

pytestmark = pytest.mark.usefixtures("kit", "rq_signals")

TEST = os.getpid()


def die() -> None:
    """End the child with -9; the test itself only fails."""
    assert os.getpid() != TEST, "the handler was called again"
    os.kill(os.getpid(), signal.SIGKILL)


def a_while_passes() -> None:
    """Claims of the dead run out, and the sweeper looks."""
    long_ago = timezone.now() - timedelta(hours=1)
    Delivery.objects.using("kit").update(due_at=long_ago)
    Delivery.objects.using("kit").exclude(claimed_until=None).update(claimed_until=long_ago)
    steps.consume()


def test_a_job_whose_worker_is_killed_runs_again_and_leaves_one_effect():
    @carveout.subscribe("tickets.TicketSold", via="rq")
    def print_ticket(event):
        note(event.key)
        if os.getpid() != TEST:
            die()

    announce(sold(2))
    steps.flow()
    assert in_a_child(work) == signal.SIGKILL
    assert notes() == []
    assert states() == [("T-1", "queued", 1), ("T-2", "queued", 0)]
    a_while_passes()
    work()
    assert sorted(notes()) == ["T-1", "T-2"]
    assert states() == []


def test_a_job_whose_work_horse_is_killed_runs_again_and_leaves_one_effect():
    @carveout.subscribe("tickets.TicketSold", via="rq")
    def print_ticket(event):
        note(event.key)
        if event.key == "T-1" and states()[0][2] == 1:
            die()

    announce(sold(2))
    steps.flow()
    assert in_a_child(work_with_horses) == 0  # the worker itself goes on
    assert states() == [("T-1", "queued", 1), ("T-2", "queued", 0)]
    a_while_passes()
    assert in_a_child(work_with_horses) == 0
    assert sorted(notes()) == ["T-1", "T-2"]
    assert states() == []


def work_with_horses() -> None:
    call_command("work", "desk", once=True, worker_class="rq.worker.Worker", verbosity=0)


def test_a_job_that_kills_its_worker_is_given_up_and_the_others_are_done():
    @carveout.subscribe("tickets.TicketSold", via="rq", max_attempts=2)
    def print_ticket(event):
        if event.key == "T-1":
            die()
        note(event.key)

    announce(sold(3))
    steps.flow()
    deaths = 0
    for _ in range(6):
        deaths += in_a_child(work) == signal.SIGKILL
        a_while_passes()
    assert notes() == ["T-2", "T-3"]
    assert [(key, state) for key, state, _ in states()] == [("T-1", "dead")]
    assert deaths == 2


def test_later_jobs_of_the_key_wait_for_the_one_whose_worker_was_killed():
    @carveout.subscribe("tickets.TicketMoved", via="rq", ordered=True)
    def print_ticket(event):
        if event.seat == 1 and os.getpid() != TEST:
            die()
        note(event.seat)

    announce(moves("T-1", 3))
    steps.flow()
    assert in_a_child(work) == signal.SIGKILL
    work()
    assert notes() == []
    a_while_passes()
    for _ in range(3):
        work()
    assert notes() == ["1", "2", "3"]
