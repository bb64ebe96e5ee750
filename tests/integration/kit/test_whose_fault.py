"""Whose fault is it: the event's and its handler's, the database's, or nobody's."""

import logging
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager, suppress

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections, transaction
from django.utils import timezone
from redis.exceptions import ConnectionError
from rq import Queue

import carveout
from carveout.consumers import attempt_records as attempt_note
from carveout.consumers import consumer as consumer_module
from carveout.consumers.consumer import Consumer
from carveout.consumers.crash_marker import CrashMarker
from carveout.deliveries import attempt
from carveout.deliveries import store as delivery
from carveout.errors import CarveoutError
from carveout.eventlog.relay import Relay
from carveout.events.event import PartitionRef
from carveout.management import workers
from carveout.models import Attempt, Cursor, Delivery
from carveout.operations import doctor
from carveout.runtime import stopping
from carveout.subscriptions import fault_attribution
from carveout.subscriptions.subscription import registry
from tests.integration.kit import steps
from tests.integration.kit.conftest import connected
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.misbehaviour import KINDS, LIMIT_S, TAKEN
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import announce, moves, sold
from tests.servers import PostgresForTests

pytestmark = pytest.mark.usefixtures("kit", "rq_signals")

on_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


WAITS_S = 30
WAITING = f"""
import sqlite3, sys
from carveout.runtime import stopping

stopping.GRACE_S, stopping.LAST_S = 0.2, 0.5
with stopping.heeding():
    print("now", flush=True)
    sqlite3.connect(sys.argv[1], timeout={WAITS_S}).execute("BEGIN IMMEDIATE")
"""


def parked() -> list[tuple[str, str, int, str]]:
    rows = Delivery.objects.using("kit").order_by("position")
    return list(rows.values_list("key", "state", "attempts", "error_type"))


def make_due() -> None:
    Delivery.objects.using("kit").update(due_at=timezone.now())


def work() -> None:
    call_command("work", "desk", once=True, verbosity=0)


class Told(logging.Handler):
    """Sends the signal while it formats a certain line, and swallows what that raises."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line, self.lines, self.swallowed = line, [], False

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        if self.line in self.lines[-1] and not self.swallowed:
            try:
                signal.raise_signal(signal.SIGTERM)
            except Exception:
                self.swallowed = True


def execute(statement: str) -> None:
    with connections["kit"].cursor() as cursor:
        cursor.execute(statement)


class Rounds:
    """A worker that does as another, and asks to be stopped after some rounds."""

    def __init__(self, of: Relay | Consumer, rounds: int) -> None:
        self._of, self.left = of, rounds
        self.contexts = of.contexts

    def start(self) -> None:
        """Its heartbeat is not needed."""

    def run_once(self) -> int:
        self.left -= 1
        if self.left <= 0:
            stopping.begin()
        return self._of.run_once()

    def wait(self) -> None:
        """Nothing else publishes."""

    def close(self) -> None:
        self._of.close()


def run_for(rounds: int, of: Relay | Consumer) -> None:
    """As a process that runs for ever, for some rounds."""
    workers.run_forever(Rounds(of, rounds), lambda: None)


@pytest.fixture
def no_backoff(monkeypatch):
    monkeypatch.setattr(workers, "BACKOFF_S", (0.01,))
    monkeypatch.setattr(consumer_module, "SWEEP_EVERY_S", 0.0)


class TestEachKindOfMisbehaviour:
    """F1, F2, F3, F5, F11, F21 and H1: of three events the second meets it."""

    @pytest.fixture(autouse=True)
    def world(self, kit, tmp_path):
        kit.set(RETRY_BASE_S=1000)
        Ticket.objects.using("kit").create(number=TAKEN, title="a number that is taken")
        with connected(f"sqlite:///{tmp_path}/other.sqlite3", "other"), stopping.heeding():
            yield

    @pytest.mark.parametrize("name", KINDS)
    def test_is_its_events_alone(self, name):
        @carveout.subscribe("tickets.TicketSold", time_limit_s=LIMIT_S)
        def hear(event):
            note(event.key)
            return KINDS[name].act(event) if event.key == "T-2" else None

        @carveout.subscribe("tickets.TicketSold")
        def hear_too(event):
            note(f"too {event.key}")

        announce(sold(3))
        steps.flow()
        error = KINDS[name].error
        wanted = ["T-1", "T-3"] if error else ["T-1", "T-2", "T-3"]
        assert sorted(notes()) == [*wanted, "too T-1", "too T-2", "too T-3"]
        assert parked() == ([("T-2", "waiting", 1, error)] if error else [])
        assert set(Cursor.objects.using("kit").values_list("position", flat=True)) == {3}

    @pytest.mark.parametrize(
        "name", ["catch without a savepoint", "exit", "raise NUL", "set_rollback"]
    )
    @pytest.mark.parametrize("way", ["job", "retry"])
    def test_in_a_job_or_a_retry_too(self, name, way, no_backoff):
        asleep = way == "retry"

        @carveout.subscribe("tickets.TicketSold", via="rq" if way == "job" else "consumer")
        def hear(event):
            if asleep:
                raise ValueError
            note(event.key)
            return KINDS[name].act(event)

        announce(sold(1))
        steps.flow()
        asleep = False
        make_due()
        steps.consume()
        if way == "job":
            work()
        attempts = 1 if way == "job" else 2
        assert parked() == [("T-1", "waiting", attempts, KINDS[name].error)]
        assert notes() == []


class TestHooks:
    """F11 = M8: what a handler registers with on_commit fails alone, and undoes nothing."""

    def test_of_many_hooks_only_the_failing_one_does_not_run(self, caplog):
        ran, calls = [], Counter()

        def subscriber(name):
            def hear(event):
                calls[name, event.key] += 1
                note(f"{name} {event.key}")

                def hook():
                    if (name, event.key) == ("one", "T-1"):
                        raise ConnectionError("the broker is down")
                    ran.append((name, event.key))

                transaction.on_commit(hook, using="kit")

            hear.__name__ = name
            return carveout.subscribe("tickets.TicketSold")(hear)

        subscriber("one")
        subscriber("two")
        announce(sold(4))
        steps.flow()
        assert len(ran) == 7
        assert set(calls.values()) == {1}
        assert len(notes()) == 8
        [record] = [
            each for each in caplog.records if each.name == "carveout.subscriptions.handler_guard"
        ]
        assert "desk.one: an on_commit hook failed after T-1" in record.getMessage()
        assert "the broker is down" in record.exc_text

    def test_a_job_whose_hook_fails_is_done(self):
        @carveout.subscribe("tickets.TicketSold", via="rq")
        def hear(event):
            note(event.key)
            transaction.on_commit(lambda: 1 / 0, using="kit")

        announce(sold(1))
        steps.flow()
        work()
        assert (notes(), parked()) == (["T-1"], [])
        assert Attempt.objects.using("kit").get().outcome == "handled"

    def test_a_hook_that_hangs_is_interrupted(self, caplog):
        @carveout.subscribe("tickets.TicketSold", time_limit_s=LIMIT_S)
        def hear(event):
            note(event.key)
            transaction.on_commit(lambda: time.sleep(20), using="kit")

        announce(sold(1))
        steps.flow()
        assert (notes(), parked()) == (["T-1"], [])
        assert "took longer than its limit" in caplog.text


@on_postgres
class TestAHandlerThatLosesItsConnection:
    """F3 and H1: the server ends it, or it is busy when the limit strikes."""

    @pytest.fixture(autouse=True)
    def world(self, kit, no_backoff):
        kit.set(RETRY_BASE_S=1000)

    @pytest.mark.parametrize("writes", [True, False], ids=["writes", "ends"])
    def test_that_idles_for_too_long_is_parked_and_the_others_go_on(self, writes):
        @carveout.subscribe("tickets.TicketSold")
        def hear(event):
            note(f"begun {event.key}")
            if event.key == "T-2":
                time.sleep(1.5)
            if writes:
                note(event.key)

        announce(sold(3))
        steps.relay()
        execute("SET idle_in_transaction_session_timeout = '700ms'")
        name = connections["kit"].settings_dict["NAME"]
        execute(f"ALTER DATABASE \"{name}\" SET idle_in_transaction_session_timeout = '700ms'")
        try:
            run_for(6, Consumer(["desk"]))
        finally:
            execute(f'ALTER DATABASE "{name}" RESET idle_in_transaction_session_timeout')
            connections["kit"].close()
        assert [note for note in notes() if "begun" in note] == ["begun T-1", "begun T-3"]
        [(key, state, attempts, _)] = parked()
        assert (key, state, attempts) == ("T-2", "waiting", 1)

    @pytest.mark.parametrize("wait", ["SELECT pg_sleep(20)", "LOCK TABLE kit_tickets_ticket"])
    def test_that_waits_in_a_statement_past_its_limit_is_parked(self, wait, database):
        @carveout.subscribe("tickets.TicketSold", time_limit_s=1.0)
        def hear(event):
            note(event.key)
            if event.key == "T-2":
                execute(wait)

        announce(sold(3))
        steps.relay()
        with connected(database, "other"), transaction.atomic(using="other"):
            with connections["other"].cursor() as cursor:
                cursor.execute("LOCK TABLE kit_tickets_ticket")
            run_for(3, Consumer(["desk"]))
        assert notes() == ["T-1", "T-3"]
        assert parked() == [("T-2", "waiting", 1, "carveout.errors.HandlerTimedOut")]
        with connections["kit"].cursor() as cursor:  # its query is not left behind, with its locks
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query = %s", [wait])
            assert cursor.fetchone() == (0,)

    def test_that_kills_its_connection_again_and_again_is_at_fault_in_the_end(self):
        @carveout.subscribe("tickets.TicketSold")
        def hear(event):
            note(event.key)
            if event.key == "T-2":
                execute("SELECT pg_terminate_backend(pg_backend_pid())")

        announce(sold(3))
        steps.relay()
        run_for(fault_attribution.ELSEWHERE_MAX + 4, Consumer(["desk"]))
        assert notes() == ["T-1", "T-3"]
        [(key, state, attempts, _)] = parked()
        assert (key, state, attempts) == ("T-2", "waiting", 1)


class TestADatabaseInTrouble:
    """F8, M9 and M10: workers outlive it, and no event is at fault."""

    @pytest.fixture(autouse=True)
    def world(self, no_backoff):
        """Nobody waits."""

    @on_postgres
    @pytest.mark.parametrize("of", ["relay", "consumer"])
    def test_that_only_reads_for_a_while_ends_no_worker(self, of, caplog):
        @carveout.subscribe("tickets.TicketSold", max_attempts=1)
        def hear(event):
            note(event.key)

        announce(sold(2))
        if of == "consumer":
            steps.relay()
        name = connections["kit"].settings_dict["NAME"]
        execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        connections["kit"].close()
        try:
            run_for(6, Relay(["tickets"]) if of == "relay" else Consumer(["desk"]))
            assert notes() == []
        finally:
            execute("SET default_transaction_read_only = off")
            execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
            connections["kit"].close()
        assert "read-only transaction" in caplog.text
        steps.flow()
        assert (notes(), parked()) == (["T-1", "T-2"], [])

    @pytest.mark.parametrize("of", [Relay, Consumer])
    def test_without_our_tables_says_to_migrate(self, of, tmp_path, kit, caplog):
        @carveout.subscribe("tickets.TicketSold")
        def hear(event):
            """Never called."""

        with connected(f"sqlite:///{tmp_path}/empty.sqlite3", "empty"):
            kit.change("tickets", database="empty")
            kit.change("desk", database="empty")
            run_for(3, of(["tickets"] if of is Relay else ["desk"]))
            assert "Run `manage.py migrate`" in caplog.text
            command = ["relay"] if of is Relay else ["consume", "desk"]
            with pytest.raises(CommandError, match=r"Run `manage\.py migrate`"):
                call_command(*command, once=True)

    def test_what_nobody_expected_is_told_and_ends_no_worker(self, monkeypatch, caplog):
        broken = Consumer(["desk"])
        monkeypatch.setattr(broken, "run_once", lambda: 1 / 0)
        run_for(3, broken)
        assert "ZeroDivisionError" in caplog.text

    @on_postgres
    @pytest.mark.parametrize("via", ["rq", "consumer"])
    def test_that_crashes_in_the_middle_of_an_attempt_costs_no_attempt(self, via, kit):
        server = PostgresForTests(durable=True)
        try:
            with connected(server.url(server.create()), "crashing"):
                self._crash(server, via, kit)
        finally:
            server.close()

    def _crash(self, server: PostgresForTests, via: str, kit) -> None:
        kit.set(RETRY_BASE_S=1000)
        kit.change("tickets", database="crashing")
        kit.change("desk", database="crashing")
        call_command("migrate", "carveout", database="crashing", verbosity=0)
        crashes, heard = [True], []
        asleep = via == "consumer"

        @carveout.subscribe("tickets.TicketSold", via=via, max_attempts=2 if asleep else 1)
        def hear(event):
            if asleep:
                raise ValueError
            with connections["crashing"].cursor() as cursor:
                cursor.execute("SELECT 1")
                if crashes.pop() if crashes else False:
                    server.crash()
                    server.start()
                cursor.execute("SELECT 2")
            heard.append(event.key)

        with transaction.atomic(using="crashing"):
            carveout.publish(sold(1)[0])
        steps.flow()
        asleep = False
        rows = Delivery.objects.using("crashing")
        for _ in range(10):
            rows.update(due_at=timezone.now())
            with suppress(CarveoutError, OperationalError):
                steps.consume()
                work()
            connections["crashing"].close()
            if not rows.exists():
                break
        assert heard == ["T-1"]
        outcomes = Attempt.objects.using("crashing").order_by("id")
        assert list(outcomes.values_list("outcome", flat=True))[-2:] == ["put off", "handled"]

    def test_that_is_still_away_is_told_later_how_an_attempt_ended(self, monkeypatch):
        @carveout.subscribe("tickets.TicketSold", via="rq", max_attempts=1)
        def hear(event):
            raise ValueError("its own error")

        announce(sold(1))
        steps.flow()
        store, away = delivery.fail, [True]

        def failed(*args, **options):
            if away:
                away.pop()
                raise OperationalError("the server is gone")
            store(*args, **options)

        monkeypatch.setattr(delivery, "fail", failed)
        [row] = Delivery.objects.using("kit").all()
        with pytest.raises(OperationalError):
            steps.try_once(row)
        attempt.settle()
        assert parked() == [("T-1", "dead", 1, "builtins.ValueError")]


class TestARollingRelease:
    """F6: a worker of the old release does not know the new subscription."""

    def test_a_delivery_of_an_unknown_subscription_costs_no_attempt(self, caplog):
        @carveout.subscribe("tickets.TicketSold", via="rq", max_attempts=1)
        def remind(event):
            note(event.key)

        announce(sold(1))
        steps.flow()
        new = registry.pop("desk.remind")
        work()
        assert "of desk.remind are left to others: it is not declared here" in caplog.text
        assert parked() == [("T-1", "queued", 0, "")]
        found = [str(each) for each in doctor.examine(["desk"]) if "desk.remind" in str(each)]
        assert any("a worker got a job of desk.remind" in each for each in found)
        registry["desk.remind"] = new
        make_due()
        steps.consume()
        work()
        assert (notes(), parked()) == (["T-1"], [])


class TestOnesTroubleIsNotAnothers:
    """M2: one partition that can't be read."""

    def test_the_other_partitions_go_on(self, kit, valkey, no_backoff):
        kit.change("tickets", partitions=3)

        @carveout.subscribe("tickets.TicketSold")
        def hear(event):
            note(event.partition)

        announce(sold(30))
        steps.relay()
        with valkey.client as client:
            kept = client.dump("carveout:{tickets.1}:stream")
            client.set("carveout:{tickets.1}:stream", "x")
            run_for(8, Consumer(["desk"]))
            assert set(notes()) == {"0", "2"}
            client.delete("carveout:{tickets.1}:stream")
        assert kept
        run_for(20, Consumer(["desk"]))
        steps.flow()
        assert set(notes()) == {"0", "1", "2"}
        assert len(notes()) == 30


class TestStopping:
    """M12: what was done is kept, and what takes too long is rolled back without a fault."""

    def test_a_batch_ends_after_the_event_that_is_under_way(self):
        @carveout.subscribe("tickets.TicketSold")
        def hear(event):
            note(event.key)
            if event.key == "T-3":
                stopping.begin()

        announce(sold(10))
        steps.relay()
        with stopping.heeding():
            consumer = Consumer(["desk"])
            consumer.run_once()
            consumer.close()
            assert notes() == ["T-1", "T-2", "T-3"]
        assert Cursor.objects.using("kit").get().position == 3
        steps.consume()
        assert notes() == [f"T-{number}" for number in range(1, 11)]

    def test_a_long_batch_commits_now_and_then(self, monkeypatch):
        from carveout.consumers import batch

        monkeypatch.setattr(batch, "TRANSACTION_S", 0.0)
        sizes = []

        @carveout.subscribe("tickets.TicketSold")
        def hear(event):
            note(event.key)
            sizes.append(len(connections["kit"].run_on_commit))

        announce(sold(5))
        steps.relay()
        consumer = Consumer(["desk"])
        assert [consumer.run_once() for _ in range(6)] == [1, 1, 1, 1, 1, 0]
        consumer.close()
        assert notes() == [f"T-{number}" for number in range(1, 6)]

    def test_a_long_batch_keeps_the_order_of_a_key_that_is_blocked(self, monkeypatch, kit):
        from carveout.consumers import batch

        kit.set(RETRY_BASE_S=1000)
        monkeypatch.setattr(batch, "TRANSACTION_S", 0.0)

        @carveout.subscribe("tickets.TicketMoved", ordered=True)
        def follow(event):
            if (event.key, event.seat) == ("T-1", 1):
                raise ValueError
            note(f"{event.key} {event.seat}")

        announce(
            each for pair in zip(moves("T-1", 3), moves("T-2", 3), strict=True) for each in pair
        )
        steps.flow()
        assert notes() == ["T-2 1", "T-2 2", "T-2 3"]
        assert [(key, attempts) for key, _, attempts, _ in parked()] == [
            ("T-1", 1),
            *[("T-1", 0)] * 2,
        ]

    @on_sqlite
    def test_a_process_that_waits_for_a_lock_ends_too(self, tmp_path):
        """Python runs no handler of a signal while SQLite waits."""
        database = tmp_path / "locked.sqlite3"
        with closing(sqlite3.connect(database)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            waiting = subprocess.Popen(
                [sys.executable, "-c", WAITING, str(database)], stdout=subprocess.PIPE
            )
            with waiting:
                assert waiting.stdout
                waiting.stdout.readline()
                time.sleep(0.5)  # it is on its way into SQLite
                waiting.send_signal(signal.SIGTERM)
                try:
                    assert waiting.wait(WAITS_S / 2) == 1
                finally:
                    waiting.kill()

    @pytest.fixture
    def hasty(self, monkeypatch):
        monkeypatch.setattr(stopping, "GRACE_S", 0.1)
        monkeypatch.setattr(stopping, "_AGAIN_S", 0.02)

    @pytest.mark.parametrize("one_by_one", [False, True])
    def test_a_handler_that_takes_too_long_is_rolled_back_and_not_at_fault(self, hasty, one_by_one):
        slow = [True]

        @carveout.subscribe("tickets.TicketSold", max_attempts=1)
        def hear(event):
            note(event.key)
            if slow:
                stopping.begin()
                time.sleep(20)

        announce(sold(1))
        steps.relay()
        if one_by_one:
            with (
                suppress(ZeroDivisionError),
                CrashMarker("desk", PartitionRef("tickets", 0)).marking(),
            ):
                raise ZeroDivisionError
        began = time.monotonic()
        run_for(5, Consumer(["desk"]))
        assert time.monotonic() - began < 15
        assert notes() == []
        assert [attempts for _, _, attempts, _ in parked()] in ([], [0])
        slow.clear()
        steps.consume()
        assert (notes(), parked()) == (["T-1"], [])

    def test_an_attempt_that_is_being_claimed_then_is_put_back(self, hasty, monkeypatch):
        """What is counted but not yet made must not stay counted."""
        at_once = delivery.claim

        def slow(*args):
            signal.raise_signal(signal.SIGTERM)
            claimed = at_once(*args)
            time.sleep(0.5)
            return claimed

        monkeypatch.setattr(delivery, "claim", slow)

        @carveout.subscribe("tickets.TicketSold", via="rq", max_attempts=1)
        def hear(event):
            time.sleep(20)

        announce(sold(1))
        steps.flow()
        with suppress(stopping.WorkerStopped):
            work()
        assert parked() == [("T-1", "queued", 0, "")]

    def test_a_careful_attempt_that_is_being_counted_then_is_taken_back(self, hasty, monkeypatch):
        at_once = attempt_note.begin_attempt

        def slow(*args):
            stopping.begin()
            attempts = at_once(*args)
            time.sleep(0.5)
            return attempts

        monkeypatch.setattr(attempt_note, "begin_attempt", slow)

        @carveout.subscribe("tickets.TicketSold", max_attempts=1)
        def hear(event):
            time.sleep(20)

        announce(sold(1))
        steps.relay()
        with suppress(ZeroDivisionError), CrashMarker("desk", PartitionRef("tickets", 0)).marking():
            raise ZeroDivisionError
        run_for(5, Consumer(["desk"]))
        assert [attempts for _, _, attempts, _ in parked()] in ([], [0])

    def test_a_job_that_takes_too_long_then_is_put_back(self, hasty):
        @carveout.subscribe("tickets.TicketSold", via="rq", max_attempts=1)
        def hear(event):
            note(event.key)
            signal.raise_signal(signal.SIGTERM)
            time.sleep(20)

        announce(sold(1))
        steps.flow()
        began = time.monotonic()
        work()
        assert time.monotonic() - began < 15
        assert notes() == []
        assert parked() == [("T-1", "queued", 0, "")]

    @pytest.mark.timeout(60)
    def test_a_worker_of_jobs_that_has_ended_is_not_interrupted(self, hasty, monkeypatch):
        """By a signal that comes again while it cleans up."""

        def asked(*_args, **_options):
            signal.raise_signal(signal.SIGTERM)

        @contextmanager
        def asked_again_at_the_end():
            yield
            signal.raise_signal(signal.SIGTERM)

        monkeypatch.setattr(Queue, "dequeue_any", asked)
        monkeypatch.setattr(stopping, "heard_at_once", asked_again_at_the_end)
        call_command("work", "desk", verbosity=0)

    @pytest.mark.timeout(60)
    @pytest.mark.parametrize("line", ["dequeueing jobs", "could not connect"])
    def test_an_idle_worker_of_jobs_does_though_logging_swallowed_it(
        self, hasty, monkeypatch, request, line
    ):
        """RQ raises an `Exception` in its handler of signals, wherever the signal strikes."""
        monkeypatch.setattr(stopping, "LAST_S", float("inf"))
        if line == "could not connect":
            monkeypatch.setattr(stopping, "GRACE_S", 3600.0)

            def gone(*_args, **_options):
                raise ConnectionError("gone")

            monkeypatch.setattr(Queue, "dequeue_any", gone)
        told = Told(line)
        logger = logging.getLogger("rq.worker")
        monkeypatch.setattr(logger, "level", logging.DEBUG)
        logger.addHandler(told)
        request.addfinalizer(lambda: logger.removeHandler(told))
        call_command("work", "desk", verbosity=3)
        assert told.swallowed
        assert not [each for each in told.lines if "unhandled exception" in each]
