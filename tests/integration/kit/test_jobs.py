"""Jobs: through a real RQ worker, in order per key, lost ones made again, forged ones refused."""

import gc
import json
import logging
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import Error, connections
from django.utils import timezone
from rq import Callback, Queue, Repeat, Retry, Webhook
from rq.job import Job
from rq.serializers import JSONSerializer

import carveout
from carveout.deliveries import drain, job_queue, store, sweeper
from carveout.models import Cursor, Delivery
from carveout.redis.client import client
from carveout.subscriptions.subscription import hosted
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketToShow
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.events import TicketSold
from tests.integration.kit.tickets.services import announce, moves, sell, sold
from tests.integration.kit.web import Owner, serving

pytestmark = pytest.mark.usefixtures("kit", "rq_signals")

QUEUE = "carveout-desk"
RUN = "carveout.delivery_job.drain"


@pytest.fixture
def redis(valkey):
    with valkey.client as connection:
        yield connection


def work() -> None:
    call_command("work", "desk", once=True, verbosity=0)


def queue() -> Queue:
    return Queue(QUEUE, connection=client(), serializer=JSONSerializer)


def deliveries() -> list[tuple[str, str, int]]:
    rows = Delivery.objects.using("kit").order_by("position")
    return list(rows.values_list("key", "state", "attempts"))


@contextmanager
def without_collector() -> Iterator[None]:
    """Inside the block garbage stays."""
    gc.disable()
    yield
    gc.enable()


def make_due() -> None:
    """Let time pass for all deliveries."""
    long_ago = timezone.now() - timedelta(hours=1)
    Delivery.objects.using("kit").update(due_at=long_ago)


def printer(**options):
    """Declare a subscription that runs in jobs and notes what it did."""

    @carveout.subscribe("tickets.TicketSold", "tickets.TicketMoved", via="rq", **options)
    def print_ticket(event):
        note(f"{event.key} {event.data.get('seat', '-')}")

    return print_ticket


def test_a_job_runs_the_handler_and_removes_its_delivery():
    @carveout.subscribe("tickets.TicketSold", via="rq")
    def print_ticket(event, ticket: TicketToShow):
        note(f"{event.key} {ticket.title} {connections['kit'].in_atomic_block}")

    sell("T-1", "T-2")
    steps.flow()
    assert notes() == []
    assert deliveries() == [("T-1", "queued", 0), ("T-2", "queued", 0)]
    work()
    assert notes() == ["T-1 Concert T-1 True", "T-2 Concert T-2 True"]
    assert deliveries() == []


def test_the_log_says_how_many_deliveries_were_done_and_not_that_the_job_is_ok(caplog):
    @carveout.subscribe("tickets.TicketSold", via="rq")
    def print_ticket(event):
        if event.key == "T-1":
            raise ValueError("no paper")

    sell("T-1", "T-2", "T-3")
    steps.flow()
    with caplog.at_level(logging.INFO):
        call_command("work", "desk", once=True)
    assert "desk: 2 deliveries done, 1 not" in caplog.messages
    assert any("rq.worker" in each.name for each in caplog.records)
    assert "Job OK" not in caplog.text


def test_a_worker_leaves_no_connection(redis):
    work()
    before = len(redis.client_list())
    with without_collector():
        work()
        assert len(redis.client_list()) == before


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_connection_that_is_lost_between_two_jobs_costs_one_job():
    """The worker keeps it: nothing ran when it was lost, so nothing noticed."""

    @carveout.subscribe("tickets.TicketSold", via="rq")
    def print_ticket(event):
        note(event.key)

    announce(sold(1))
    steps.flow()
    connections["kit"].connection.close()
    with pytest.raises(Error):
        drain.drain("desk")
    drain.drain("desk")
    assert notes() == ["T-1"]


def test_a_job_for_outside_work_runs_outside_a_transaction():
    @carveout.subscribe("tickets.TicketSold", via="rq", atomic=False)
    def print_ticket(event):
        note(connections["kit"].in_atomic_block)

    announce(sold(1))
    steps.flow()
    work()
    assert notes() == ["False"]
    assert deliveries() == []


def test_a_job_for_all_carries_nothing(redis):
    printer()
    announce(sold(3))
    steps.flow()
    [job_id] = redis.lrange(f"rq:queue:{QUEUE}", 0, -1)
    with client() as raw:
        job = Job.fetch(job_id, connection=raw, serializer=JSONSerializer)
        assert json.loads(job.data) == [RUN, None, [], {}]


def test_a_rolled_back_batch_enqueues_nothing(redis):
    printer()

    @carveout.subscribe("tickets.TicketSold")
    def moves_the_cursor(event):
        Cursor.objects.using("kit").update(position=1)

    announce(sold(1))
    steps.relay()
    steps.consume()
    assert deliveries() == []
    assert redis.llen(f"rq:queue:{QUEUE}") == 0


def test_a_job_without_deliveries_does_nothing():
    printer()
    announce(sold(1))
    steps.flow()
    work()
    job_queue.wake("desk")
    work()
    assert notes() == ["T-1 -"]


def test_a_job_of_a_dead_delivery_does_nothing():
    printer()
    announce(sold(1))
    steps.flow()
    Delivery.objects.using("kit").update(state=Delivery.State.DEAD)
    work()
    assert notes() == []
    assert deliveries() == [("T-1", "dead", 0)]


def test_a_job_of_a_delivery_that_runs_elsewhere_does_nothing():
    printer()
    announce(sold(1))
    steps.flow()
    Delivery.objects.using("kit").update(claimed_until=timezone.now() + timedelta(minutes=1))
    work()
    assert notes() == []


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
class TestAJobForMany:
    """One job runs all that is queued, waits for more, and leaves the rest to others."""

    @pytest.fixture(autouse=True)
    def taken(self, kit, redis):
        """Three deliveries are queued, and their job was taken by a worker."""
        printer()
        announce(sold(3))
        steps.flow()
        redis.delete(f"rq:queue:{QUEUE}")

    def test_takes_what_is_stored_while_it_waits(self, redis, monkeypatch):
        waits = job_queue.Wakeups.wait

        def wait(self, seconds: float) -> bool:
            if len(notes()) == 3:
                announce([TicketSold(number="T-9")])
                steps.flow()
            return waits(self, min(seconds, 0.2))

        monkeypatch.setattr(job_queue.Wakeups, "wait", wait)
        drain.drain("desk", [])
        assert notes() == ["T-1 -", "T-2 -", "T-3 -", "T-9 -"]
        assert redis.llen(f"rq:queue:{QUEUE}") == 0

    def test_does_not_wait_while_another_context_has_a_job(self, monkeypatch):
        monkeypatch.setattr(job_queue.Wakeups, "wait", None)
        job_queue.wake("tickets")
        drain.drain("desk", ["tickets"])
        assert len(notes()) == 3

    def test_leaves_to_another_what_came_at_its_end(self, redis, monkeypatch):
        stops = job_queue.Wakeups.stop

        def stop(self) -> bool:
            announce([TicketSold(number="T-9")])
            steps.flow()
            return stops(self)

        monkeypatch.setattr(job_queue.Wakeups, "stop", stop)
        drain.drain("desk")
        assert redis.llen(f"rq:queue:{QUEUE}") == 1

    def test_leaves_the_rest_to_another_when_its_time_is_up(self, redis, monkeypatch):
        monkeypatch.setattr(drain, "DRAIN_S", -1.0)
        drain.drain("desk")
        assert len(notes()) == 1
        assert redis.llen(f"rq:queue:{QUEUE}") == 1

    @pytest.mark.parametrize("many", [3, 2])
    def test_calls_for_help_with_many(self, many, redis, monkeypatch):
        monkeypatch.setattr(drain, "MANY", many)
        drain.drain("desk")
        assert redis.llen(f"rq:queue:{QUEUE}") == (many < 3)

    def test_of_a_worker_that_was_killed_is_replaced(self, redis):
        redis.xadd("rq:carveout:wake:desk", {"begin": ""})  # it seems to run
        announce([TicketSold(number="T-9")])
        steps.flow()
        assert redis.llen(f"rq:queue:{QUEUE}") == 0
        make_due()
        steps.consume()
        work()
        assert len(notes()) == 4


def test_each_delivery_has_the_whole_time_of_a_job(kit):
    kit.set(JOB_TIMEOUT_S=1)

    @carveout.subscribe("tickets.TicketSold", via="rq")
    def print_ticket(event):
        time.sleep(0.6)
        note(event.key)

    announce(sold(3))
    steps.flow()
    work()
    assert notes() == ["T-1", "T-2", "T-3"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestAJobThatFails:
    """It is put back, tried again by a later job, and dead in the end."""

    def test_is_tried_again_and_done(self):
        tries = []

        @carveout.subscribe("tickets.TicketSold", via="rq")
        def print_ticket(event):
            tries.append(event.key)
            if len(tries) == 1:
                note("half done")
                raise ValueError("paper jam")
            note(event.key)

        announce(sold(1))
        steps.flow()
        work()
        row = Delivery.objects.using("kit").get()
        assert (row.state, row.attempts, row.error) == ("waiting", 1, "paper jam")
        assert notes() == []
        make_due()
        steps.consume()
        work()
        assert notes() == ["T-1"]
        assert deliveries() == []

    def test_is_dead_after_its_last_attempt(self):
        @carveout.subscribe("tickets.TicketSold", via="rq", max_attempts=2)
        def print_ticket(event):
            raise ValueError

        announce(sold(1))
        for _ in range(4):
            steps.flow()
            work()
            make_due()
        assert deliveries() == [("T-1", "dead", 2)]

    def test_a_lookup_that_does_not_answer_burns_no_attempt(self, kit):
        @carveout.subscribe("tickets.TicketSold", via="rq", max_attempts=2)
        def print_ticket(event, ticket: TicketToShow):
            note(ticket.number)

        sell("T-1")
        steps.flow()
        kit.set(LOOKUPS="http")
        kit.change("tickets", url="http://127.0.0.1:9/internal")
        for _ in range(4):
            work()
            assert deliveries() == [("T-1", "waiting", 0)]
            make_due()
            steps.consume()
        kit.set(LOOKUPS="auto")
        work()
        assert notes() == ["T-1"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestTheSweeper:
    """What Redis or a killed worker lost is made again."""

    def test_jobs_that_redis_lost_are_made_again(self, redis):
        printer()
        announce(sold(3))
        steps.flow()
        redis.flushall()
        work()
        assert notes() == []
        make_due()
        steps.flow()
        work()
        assert notes() == ["T-1 -", "T-2 -", "T-3 -"]

    def test_jobs_that_redis_has_are_not_made_twice(self, redis):
        printer()
        announce(sold(3))
        steps.flow()
        make_due()
        steps.consume()
        assert redis.llen(f"rq:queue:{QUEUE}") == 1

    def test_after_a_long_look_it_rests_and_then_looks_again(self, redis, monkeypatch):
        printer()
        announce(sold(1))
        steps.flow()
        make_due()
        clock = iter([100.0, 101.0, 120.0, 122.0, 122.0])  # the first look takes a second
        monkeypatch.setattr(sweeper, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        sweeps = sweeper.Sweeper("desk", hosted(["desk"]))
        jobs = []
        for _ in range(3):
            redis.flushall()
            sweeps.run_once()
            jobs.append(redis.llen(f"rq:queue:{QUEUE}"))
        assert jobs == [1, 0, 1]

    def test_a_job_whose_worker_was_killed_is_made_again(self, redis):
        printer()
        announce(sold(1))
        steps.flow()
        row = Delivery.objects.using("kit").get()
        assert steps.claim(row)  # the worker took it ...
        redis.delete(f"rq:queue:{QUEUE}")  # ... off the queue, and was killed
        make_due()
        steps.consume()
        work()
        assert notes() == []
        Delivery.objects.using("kit").update(claimed_until=timezone.now() - timedelta(seconds=1))
        make_due()
        steps.consume()
        work()
        assert notes() == ["T-1 -"]

    def test_a_job_whose_worker_was_killed_before_it_began_is_made_again(self, redis):
        printer()
        announce(sold(1))
        steps.flow()
        redis.delete(f"rq:queue:{QUEUE}")  # it was taken off; Redis still knows the job itself
        make_due()
        steps.consume()
        work()
        assert notes() == ["T-1 -"]

    def test_redis_away_while_the_sweeper_looks_may_be_tried_again(self, valkey):
        printer()
        announce(sold(1))
        steps.flow()
        make_due()
        valkey.stop()
        with pytest.raises(carveout.StreamUnavailable):
            steps.consume()

    def test_a_run_that_was_taken_over_leaves_no_second_effect(self):
        """It went on for longer than its claim, and another run was faster."""

        @carveout.subscribe("tickets.TicketSold", via="rq")
        def print_ticket(event):
            note(event.key)
            Delivery.objects.using("kit").update(attempts=7)

        announce(sold(1))
        steps.flow()
        work()
        assert notes() == []

    def test_redis_away_after_the_commit_is_no_error(self, valkey):
        printer()
        announce(sold(1))
        steps.flow()
        valkey.stop()
        job_queue.wake("desk")
        valkey.restart_empty()
        make_due()
        steps.flow()
        work()
        assert notes() == ["T-1 -"]


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
class TestOrdered:
    """`ordered=True`: jobs of one key leave one after the other, whatever fails between."""

    def test_jobs_of_one_key_leave_in_order(self, redis):
        printer(ordered=True)
        announce([*moves("T-1", 4), *moves("T-2", 2)])
        steps.flow()
        work()
        assert [text for text in notes() if text.startswith("T-1")] == [
            f"T-1 {seat}" for seat in (1, 2, 3, 4)
        ]
        assert [text for text in notes() if text.startswith("T-2")] == ["T-2 1", "T-2 2"]

    def test_later_ones_wait_behind_one_that_failed(self):
        broken = [True]

        @carveout.subscribe("tickets.TicketMoved", via="rq", ordered=True)
        def print_ticket(event):
            if broken and event.seat == 2:
                raise ValueError
            note(event.seat)

        announce(moves("T-1", 4))
        steps.flow()
        work()
        assert notes() == ["1"]
        make_due()
        steps.consume()
        work()
        assert notes() == ["1"]
        broken.clear()
        make_due()
        steps.consume()
        work()
        assert notes() == ["1", "2", "3", "4"]

    def test_a_delivery_that_is_not_its_turn_is_not_claimed(self):
        printer(ordered=True)
        announce(moves("T-1", 2))
        steps.flow()
        assert not steps.claim(Delivery.objects.using("kit").get(position=2))

    def test_later_events_wait_behind_a_dead_one_until_it_is_retried(self):
        broken = [True]

        @carveout.subscribe("tickets.TicketMoved", via="rq", ordered=True, max_attempts=1)
        def print_ticket(event):
            if broken:
                raise ValueError
            note(event.seat)

        announce(moves("T-1", 2))
        steps.flow()
        work()
        assert deliveries() == [("T-1", "dead", 1), ("T-1", "queued", 0)]
        make_due()
        steps.consume()
        work()
        assert notes() == []
        broken.clear()
        store.retry(Delivery.objects.using("kit").all())
        steps.consume()
        work()
        assert notes() == ["1", "2"]


class Bomb:
    """Unpickling it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestForgedJobs:
    """Whoever can write to Redis makes our worker run nothing but deliveries."""

    @pytest.fixture
    def mark(self, tmp_path: Path) -> Path:
        """A file that a forged job would leave."""
        return tmp_path / "was-here"

    def test_another_function_is_not_run(self, mark):
        forged = queue().enqueue("os.system", f"touch {mark}")
        work()
        assert not mark.exists()
        assert forged.get_status(refresh=True) == "failed"
        assert "it was not run" in forged.latest_result().exc_string

    @pytest.mark.parametrize(
        "arguments",
        [((1,), {}), (("desk",), {}), ((None,), {}), ((), {"extra": 1}), (([],), {})],
    )
    def test_wrong_arguments_are_refused(self, arguments):
        printer()
        announce(sold(1))
        steps.flow()
        client().delete(f"rq:queue:{QUEUE}")
        args, kwargs = arguments
        forged = queue().enqueue(RUN, args=args, kwargs=kwargs)
        work()
        assert forged.get_status(refresh=True) == "failed"
        assert notes() == []

    def test_a_method_of_an_object_is_refused(self, mark):
        forged = queue().enqueue(RUN)
        data = json.dumps(["unlink", str(mark), [], {}])
        client().hset(f"rq:job:{forged.id}", "data", data)
        mark.touch()
        work()
        assert mark.exists()
        assert forged.get_status(refresh=True) == "failed"

    def test_a_pickle_is_not_unpickled(self, mark):
        for field in ("data", "meta", "result"):
            forged = queue().enqueue(RUN)
            client().hset(f"rq:job:{forged.id}", field, pickle.dumps(Bomb(mark)))
        work()
        assert not mark.exists()
        pickle.loads(pickle.dumps(Bomb(mark)))  # noqa: S301 - the bomb is a real one
        assert mark.exists()

    def test_callbacks_are_not_run(self, mark):
        callback = Callback("tests.integration.kit.test_jobs.leave_a_mark")
        for arguments in ((1,), ()):
            queue().enqueue(
                RUN,
                *arguments,
                meta={"mark": str(mark)},
                on_success=callback,
                on_failure=callback,
                on_stopped=callback,
            )
        work()
        assert not mark.exists()

    def test_webhooks_are_not_sent(self):
        anybody = Owner()
        with serving(anybody) as url:
            for status in ("finished", "failed"):
                for arguments in ((1,), ()):
                    queue().enqueue(RUN, *arguments, webhooks=[Webhook(url, status)])
            work()
        assert anybody.asked == []

    @pytest.mark.parametrize("how", [{"retry": Retry(max=50)}, {"repeat": Repeat(times=50)}])
    @pytest.mark.parametrize("arguments", [(), (1,)])
    def test_one_that_asks_to_be_tried_again_is_tried_once(
        self, how, arguments, caplog, monkeypatch
    ):
        tried = []
        monkeypatch.setattr("carveout.deliveries.job.drain", lambda *which: tried.append(which))
        queue().enqueue(RUN, *arguments, **how)
        work()
        work()
        assert queue().job_ids == []
        assert len(tried) + caplog.text.count("refused: it names") == 1

    def test_a_job_that_says_to_come_from_elsewhere_is_refused(self):
        printer()
        announce(sold(1))
        steps.flow()
        client().delete(f"rq:queue:{QUEUE}")
        forged = queue().enqueue(RUN)
        client().hset(f"rq:job:{forged.id}", "origin", "carveout-elsewhere")
        work()
        assert notes() == []

    def test_the_worker_goes_on_after_them(self, mark):
        printer()
        queue().enqueue("os.system", f"touch {mark}")
        announce([TicketSold(number="T-1")])
        steps.flow()
        work()
        assert notes() == ["T-1 -"]
        assert not mark.exists()


def leave_a_mark(job: Job, *_: object) -> None:
    Path(job.meta["mark"]).touch()
