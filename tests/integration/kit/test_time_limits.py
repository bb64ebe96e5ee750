"""A time limit strikes anywhere, and must not leave a database connection that is of no use."""

import inspect
import time
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import connections, transaction

import carveout
from carveout.deliveries import store
from carveout.errors import HandlerTimedOut
from carveout.models import Attempt, Delivery
from carveout.subscriptions.time_limit import time_limit
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.usefixtures("kit", "rq_signals")

LONG_S = 5.0


def wait_for_the_alarm() -> None:
    """Run bytecode until an alarm interrupts, or for much longer than any limit of these tests."""
    until = time.monotonic() + LONG_S
    while time.monotonic() < until:
        pass


def within_atomic() -> bool:
    return any(frame.function in ("__enter__", "__exit__") for frame in inspect.stack(0)[:5])


@pytest.fixture
def slowly(monkeypatch):
    """Makes one method of the connection take `seconds` longer, after it has done its work."""

    def slow_down(name: str, seconds: float) -> None:
        connection = connections["kit"]
        at_once: Callable[..., None] = getattr(connection, name)

        def slow(*args, **options):
            at_once(*args, **options)
            until = time.monotonic() + seconds
            while time.monotonic() < until and within_atomic():
                pass

        monkeypatch.setattr(connection, name, slow)

    return slow_down


@pytest.mark.parametrize("step", ["set_autocommit", "commit"])
def test_a_limit_strikes_after_a_transaction_has_begun_or_ended_not_meanwhile(slowly, step):
    slowly(step, 0.2)
    with pytest.raises(HandlerTimedOut), time_limit(0.1, "the block"):
        with transaction.atomic(using="kit"):
            note("kept only if the limit struck afterwards")
        wait_for_the_alarm()
    assert not connections["kit"].in_atomic_block
    with transaction.atomic(using="kit"):
        note("the connection is of use")
    connections["kit"].close()
    assert notes()[-1] == "the connection is of use"


@pytest.mark.parametrize("step", ["set_autocommit", "savepoint"])
def test_a_job_that_times_out_while_its_transaction_begins_leaves_no_lock(kit, slowly, step):
    kit.set(JOB_TIMEOUT_S=1)

    @carveout.subscribe("tickets.TicketSold", via="rq")
    def listen(event):
        with transaction.atomic(using="kit"):
            note(event.key)
        if event.key == "T-1":
            wait_for_the_alarm()

    announce(sold(1))
    steps.flow()
    slowly(step, 1.1)
    call_command("work", "desk", once=True, verbosity=0)
    assert [row.error_type for row in Delivery.objects.using("kit").all()] == [
        "rq.timeouts.JobTimeoutException"
    ]
    assert not connections["kit"].in_atomic_block
    assert notes() == []


@pytest.mark.parametrize("step", ["claim", "fail"])
def test_a_job_that_waits_for_the_database_is_counted_as_what_it_is(kit, monkeypatch, step):
    """What is claimed or stored is not interrupted, and the handler has its time after that."""
    kit.set(JOB_TIMEOUT_S=1)
    at_once = getattr(store, step)

    def slow(*args, **options):
        time.sleep(0.6)
        result = at_once(*args, **options)
        time.sleep(0.6)
        return result

    monkeypatch.setattr(store, step, slow)

    @carveout.subscribe("tickets.TicketSold", via="rq")
    def listen(event):
        time.sleep(0.7)
        note(event.key)
        if step == "fail":
            raise ValueError("no paper")

    announce(sold(1))
    steps.flow()
    call_command("work", "desk", once=True, verbosity=0)
    attempts = Attempt.objects.using("kit").values_list("number", "outcome", "error")
    left = Delivery.objects.using("kit").values_list("attempts", "claimed_until")
    if step == "claim":
        assert (list(attempts), list(left)) == ([(1, "handled", "")], [])
    else:
        assert (list(attempts), list(left)) == ([(1, "failed", "no paper")], [(1, None)])


def test_the_next_job_gets_a_connection_that_works(kit, database):
    """PostgreSQL's stays busy with the query that was interrupted."""
    kit.set(JOB_TIMEOUT_S=1)

    @carveout.subscribe("tickets.TicketSold", via="rq", atomic=False)
    def listen(event):
        if event.key == "T-1" and connections["kit"].vendor == "postgresql":
            with connections["kit"].cursor() as cursor:
                cursor.execute("SELECT pg_sleep(20)")
        note(event.key)

    announce(sold(3))
    steps.flow()
    call_command("work", "desk", once=True, verbosity=0)
    assert notes()[-2:] == ["T-2", "T-3"]
    if connections["kit"].vendor == "postgresql":
        [late] = Delivery.objects.using("kit").all()
        assert (late.error_type, late.claimed_until) == ("rq.timeouts.JobTimeoutException", None)


@pytest.mark.parametrize(("outer_s", "inner_s"), [(0.1, LONG_S * 2), (LONG_S * 2, 0.1)])
def test_of_two_limits_the_sooner_one_strikes(outer_s, inner_s):
    sooner = "outer" if outer_s < inner_s else "inner"
    with pytest.raises(HandlerTimedOut, match=sooner), time_limit(outer_s, "outer"):
        with time_limit(inner_s, "inner"):
            wait_for_the_alarm()
        assert sooner == "inner"
