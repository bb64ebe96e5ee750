"""The doctor: whatever the guarantees rest on is taken away, and found; what is sound is not."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer

import carveout
from carveout.conf import context_apps
from carveout.consumers.consumer import Consumer
from carveout.deliveries import job_queue
from carveout.deliveries.job_queue import worker_name
from carveout.eventlog import reader as log
from carveout.eventlog import sequencer
from carveout.eventlog.remote import EventsPage
from carveout.events.event import PartitionRef
from carveout.lookups import reader
from carveout.models import Cursor, Delivery, Layout, LoggedEvent, Partition, ReportedCursor
from carveout.operations.doctor import check_settings, databases, examine, finding
from carveout.operations.doctor import redis as servers
from carveout.operations.doctor.finding import Finding, Level, worst
from carveout.redis import keys
from carveout.redis.client import client
from tests.eventually import eventually
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note
from tests.integration.kit.tickets.services import announce, sold
from tests.integration.kit.web import Owner, serving
from tests.redis_groups import ClusterForTests

pytestmark = pytest.mark.usefixtures("kit")

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)

PARTITION = PartitionRef("tickets", 0)
LONG_AGO = timedelta(hours=1)


@pytest.fixture(autouse=True)
def commits_wait_for_the_disk(database):
    """What the test database is too hasty for."""
    if database.startswith("sqlite"):
        init = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        connections["kit"].settings_dict["OPTIONS"]["init_command"] = init
        connections["kit"].close()


@pytest.fixture(autouse=True)
def sound_declarations(kit, monkeypatch):
    """The tests' apps are not in INSTALLED_APPS, and one of their readers is wrong on purpose."""
    monkeypatch.setattr(context_apps, "apps_not_installed", lambda settings: [])
    reader.readers[:] = [each for each in reader.readers if each.__name__ != "TicketAsGuessed"]


@pytest.fixture
def ear():
    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        note(event.key)


@pytest.fixture
def printer():
    @carveout.subscribe("tickets.TicketSold", via="rq")
    def print_ticket(event):
        note(event.key)


@pytest.fixture
def redis(valkey):
    with valkey.client as connection:
        yield connection


def report() -> list[Finding]:
    return [*check_settings(), *examine(["tickets", "desk"])]


def told(level: Level) -> list[str]:
    return [str(found) for found in report() if found.level == level]


def found(level: Level, *words: str) -> Finding:
    """The one finding of this level that holds these words, with a fix; or a failed test."""
    seen = report()
    hits = [each for each in seen if each.level == level and all(w in str(each) for w in words)]
    assert len(hits) == 1, "\n".join(map(str, seen))
    assert hits[0].fix
    return hits[0]


def sound() -> bool:
    bad = [str(each) for each in report() if each.level > Level.OK]
    assert bad == []
    return True


def doctor(*arguments: str, verbosity: int = 1) -> int:
    """Returns: the exit code."""
    try:
        call_command("doctor", *arguments, verbosity=verbosity)
    except SystemExit as ended:
        return int(ended.code)
    return 0


@contextmanager
def consuming() -> Iterator[None]:
    """A consumer that holds its leases."""
    consumer = Consumer(["desk"])
    consumer.run_once()
    try:
        yield
    finally:
        consumer.close()


@contextmanager
def registered(worker: Worker) -> Iterator[None]:
    worker.register_birth()
    try:
        yield
    finally:
        worker.register_death()


def worker(name: str | None = None) -> Worker:
    queue = Queue("carveout-desk", connection=client(), serializer=JSONSerializer)
    return SimpleWorker([queue], name=name, connection=client(), serializer=JSONSerializer)


def age(**of: object) -> None:
    """Let events have waited long."""
    LoggedEvent.objects.using("kit").filter(**of).update(time=timezone.now() - LONG_AGO)


def shift_our_clock(ahead_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can set those of the servers."""

    class Elsewhen:
        @staticmethod
        def time() -> float:
            return time.time() + ahead_s

    for module in (servers, databases, finding):
        monkeypatch.setattr(module, "time", Elsewhen)


class TestASoundProject:
    def test_has_no_warning_and_exit_code_0(self, ear, printer, capsys):
        announce(sold(3))
        steps.flow()
        call_command("work", "desk", once=True, verbosity=0)
        with consuming(), registered(worker(worker_name())):
            assert sound()
            assert doctor() == 0
        shown = capsys.readouterr().out.splitlines()
        assert shown[-1].startswith("0 errors, 0 warnings")
        assert {line.split()[0] for line in shown[:-1]} == {"ok"}

    def test_that_is_idle_and_runs_nothing_is_sound(self, ear):
        announce(sold(1))
        steps.flow()
        assert sound()

    @pytest.mark.parametrize("delivery", ["inline", "eager"])
    def test_without_redis_it_is_for_tests(self, kit, valkey, delivery):
        kit.set(DELIVERY=delivery)
        valkey.stop()
        (redis,) = [str(each) for each in report() if each.what == "Redis"]
        assert redis.startswith(f"warning  Redis: is not used: DELIVERY is {delivery}, which is")

    def test_looking_changes_nothing(self):
        report()
        assert Layout.objects.using("kit").count() == 0


class TestTheCommand:
    def test_warnings_are_exit_code_1(self, redis):
        redis.config_set("maxmemory-policy", "allkeys-lru")
        try:
            assert doctor() == 1
        finally:
            redis.config_set("maxmemory-policy", "noeviction")

    def test_errors_are_exit_code_2(self, valkey):
        valkey.stop()
        assert doctor() == 2

    def test_quietly_it_shows_only_what_is_not_well(self, ear, capsys):
        announce(sold(1))
        steps.flow()
        assert doctor(verbosity=0) == 0
        assert capsys.readouterr().out == ""
        Layout.objects.using("kit").update(partitions=3)
        assert doctor(verbosity=0) == 1
        (line,) = capsys.readouterr().out.splitlines()
        assert line.startswith(
            "warning  Log of tickets: has 3 partitions, but the settings have 1."
        )
        assert "Fix: run `manage.py repartition tickets`" in line

    def test_looks_at_the_named_contexts_only(self, ear, capsys):
        assert doctor("tickets") == 0
        shown = capsys.readouterr().out
        assert "tickets" in shown
        assert "desk" not in shown
        with pytest.raises(CommandError, match="not hosted"):
            doctor("garage")

    @on_sqlite
    def test_settings_with_a_mistake_are_a_finding(self, kit, capsys):
        kit.set(BLOCKMS=1)
        assert doctor() == 2
        assert "did you mean" in capsys.readouterr().out.lower()

    @on_sqlite
    def test_a_look_that_fails_hides_no_other(self, monkeypatch):
        def stumble(*_):
            raise ZeroDivisionError("stumbled")

        monkeypatch.setattr(servers, "check", stumble)
        found(Level.ERROR, "Redis: check did not complete", "ZeroDivisionError: stumbled")
        assert any("Database kit: answers" in line for line in told(Level.OK))


class TestRedis:
    def test_one_that_is_away_is_a_finding_and_the_databases_are_looked_at(self, valkey, ear):
        announce(sold(1))
        steps.flow()
        valkey.kill()
        found(Level.ERROR, "Redis redis://", "does not answer")
        found(Level.WARNING, "Streams, consumers and workers: were not checked")
        assert any("desk.ear on tickets: has handled everything" in x for x in told(Level.OK))

    @on_sqlite
    def test_a_password_is_not_shown(self, kit):
        kit.set(REDIS_URL="redis://ours:geheim@127.0.0.1:1/0")
        assert "geheim" not in "\n".join(map(str, report()))

    def test_one_that_may_evict_is_warned_of(self, redis):
        redis.config_set("maxmemory-policy", "allkeys-lru")
        try:
            found(Level.WARNING, "maxmemory-policy is allkeys-lru")
        finally:
            redis.config_set("maxmemory-policy", "noeviction")

    @on_sqlite
    def test_that_is_nearly_full(self, redis):
        used = redis.info("memory")["used_memory"]
        redis.config_set("maxmemory", used + 10_000)
        try:
            found(Level.WARNING, "of maxmemory is used")
        finally:
            redis.config_set("maxmemory", 0)

    @on_sqlite
    def test_whose_user_may_not_ask_says_what_was_not_seen(self, kit, redis, valkey):
        name = f"blind{time.monotonic_ns()}"  # clients are kept by URL
        redis.execute_command("ACL", "SETUSER", name, "on", ">p", "~*", "&*", "+@all", "-info")
        kit.set(REDIS_URL=valkey.url.replace("redis://", f"redis://{name}:p@"))
        try:
            found(Level.WARNING, "its version, role and memory can't be seen", "+info")
        finally:
            redis.execute_command("ACL", "DELUSER", name)

    @on_sqlite
    def test_that_is_a_replica(self, redis):
        redis.execute_command("REPLICAOF", "127.0.0.1", "1")
        try:
            found(Level.ERROR, "is a replica")
        finally:
            redis.execute_command("REPLICAOF", "NO", "ONE")

    @on_sqlite
    @pytest.mark.parametrize(
        ("info", "level"),
        [
            ({"redis_version": "6.0.16"}, Level.ERROR),
            ({"redis_version": "6.2.0"}, Level.OK),
            ({"redis_version": "7.0.15"}, Level.OK),
            ({"redis_version": "10.1.0"}, Level.OK),
            ({"redis_version": "7.2.4", "valkey_version": "7.2.5"}, Level.OK),
        ],
    )
    def test_that_is_too_old(self, info, level):
        assert [each.level for each in servers._version("Redis", info)] == [level]

    @on_sqlite
    @pytest.mark.parametrize("ahead_s", [5, -5])
    def test_whose_clock_is_another(self, ahead_s, monkeypatch):
        shift_our_clock(ahead_s, monkeypatch)
        found(Level.WARNING, "Redis redis://", "are 5 s apart")

    @on_sqlite
    def test_each_node_of_a_cluster_is_looked_at(self, kit):
        cluster = ClusterForTests(replicas=False)
        try:
            kit.set(REDIS_URL=cluster.url)
            assert sum("answers, " in line for line in told(Level.OK) if "Redis" in line) == 3
            lax = cluster.nodes[1]
            lax.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            found(Level.WARNING, f":{lax.port}", "maxmemory-policy is allkeys-lru")
        finally:
            cluster.close()


class TestDatabases:
    @on_postgres
    def test_one_that_is_away_is_a_finding(self, settings):
        name = connections["kit"].settings_dict["NAME"]
        connections["kit"].close()
        connections["kit"].settings_dict["NAME"] = "nowhere"
        try:
            found(Level.ERROR, "Database kit: does not answer", "nowhere")
            found(Level.WARNING, "Contexts tickets, desk: were not checked")
        finally:
            connections["kit"].close()
            connections["kit"].settings_dict["NAME"] = name

    @on_postgres
    @pytest.mark.parametrize("ahead_s", [5, -5])
    def test_whose_clock_is_another(self, ahead_s, monkeypatch):
        shift_our_clock(ahead_s, monkeypatch)
        found(Level.WARNING, "Database kit", "are 5 s apart")

    @on_postgres
    def test_a_log_in_another_schema_is_warned_of(self):
        with connections["kit"].cursor() as cursor:
            cursor.execute("CREATE SCHEMA acme")
            cursor.execute("CREATE TABLE acme.carveout_loggedevent (id int)")
        try:
            found(
                Level.WARNING, "Database kit: also has a log in the schemas acme", "in one schema"
            )
        finally:
            with connections["kit"].cursor() as cursor:
                cursor.execute("DROP SCHEMA acme CASCADE")

    def test_without_all_migrations(self):
        with connections["kit"].cursor() as cursor:
            cursor.execute("UPDATE django_migrations SET app = 'x' WHERE app = 'carveout'")
        try:
            found(Level.ERROR, "lacks the kit's migrations 0001_initial", "migrate carveout")
        finally:
            with connections["kit"].cursor() as cursor:
                cursor.execute("UPDATE django_migrations SET app = 'carveout' WHERE app = 'x'")

    @on_sqlite
    def test_one_that_forgets_commits_is_warned_of(self):
        with connections["kit"].cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")
        found(Level.WARNING, "synchronous is less than FULL")

    @on_sqlite
    @pytest.mark.parametrize(
        ("mode", "level"), [("DELETE", Level.WARNING), ("MEMORY", Level.ERROR)]
    )
    def test_that_is_not_in_wal_mode(self, mode, level):
        with connections["kit"].cursor() as cursor:
            cursor.execute(f"PRAGMA journal_mode={mode}")
        try:
            found(level, f"journal_mode is {mode.lower()}")
        finally:
            with connections["kit"].cursor() as cursor:
                cursor.execute("PRAGMA journal_mode=WAL")


class TestTheLog:
    def test_events_that_get_no_position(self):
        announce(sold(2))
        assert told(Level.ERROR) == []
        age()
        found(Level.ERROR, "Log of tickets: 2 events without a position", "manage.py relay")

    def test_events_that_are_not_shipped(self):
        announce(sold(3))
        sequencer.sequence("tickets", 10)
        assert told(Level.ERROR) == []
        age(position=1)
        found(Level.ERROR, "Stream of tickets.0: ends at position 0, and its log at 3")

    def test_a_stream_that_redis_lost(self, redis, ear):
        announce(sold(3))
        steps.flow()
        redis.flushall()
        age()
        found(Level.ERROR, "Stream of tickets.0", "the relay is not shipping")
        steps.relay()
        assert sound()

    def test_a_stream_that_is_ahead(self, redis):
        announce(sold(1))
        steps.relay()
        redis.xadd(keys.stream(PARTITION), {"id": str(uuid4())}, id="7-0")
        found(Level.ERROR, "it ends at position 7, the log at 1", "manage.py epoch tickets")

    def test_a_stream_that_ends_with_garbage(self, redis):
        announce(sold(1))
        steps.relay()
        redis.xadd(keys.stream(PARTITION), {"id": "garbled"}, id="7-0")
        found(Level.WARNING, "its newest entry, position 7, is not an event", "manage.py relay")
        steps.relay()
        assert sound()

    def test_a_partition_that_stands(self, redis):
        announce(sold(1))
        steps.relay()
        redis.xadd(keys.stream(PARTITION), {"id": str(uuid4())}, id="7-0")
        steps.relay()
        redis.flushall()
        found(Level.ERROR, "it ends at position 7, the log at 1", "manage.py epoch tickets")

    def test_a_stream_of_another_log(self, redis):
        announce(sold(1))
        steps.relay()
        redis.set(keys.identity(PARTITION), "another:1:x")
        found(Level.ERROR, "it is marked another:1:x", "manage.py epoch tickets")

    def test_a_stream_that_was_overtaken_by_a_restored_log(self, redis):
        announce(sold(2))
        steps.relay()
        row = LoggedEvent.objects.using("kit").get(position=2)
        LoggedEvent.objects.using("kit").filter(pk=row.pk).update(
            event_id=row.event_id.int % 2**100
        )
        found(Level.ERROR, "at position 2 it has another event", "manage.py epoch tickets")

    def test_a_log_that_is_divided_otherwise(self, kit):
        announce(sold(1))
        steps.relay()
        kit.change("tickets", partitions=4)
        found(Level.WARNING, "has 1 partition, but the settings have 4", "repartition tickets")


class TestSubscriptions:
    def test_one_that_nobody_has_begun_with(self, ear):
        found(Level.WARNING, "desk.ear on tickets: has no cursor yet", "consume desk")
        found(Level.ERROR, "Consumers of desk: none is running, and events wait", "consume desk")

    def test_one_that_is_behind(self, ear):
        announce(sold(1))
        steps.flow()
        announce(sold(2, "U"))
        steps.relay()
        with consuming_nothing():
            assert any("2 events behind, the oldest since" in line for line in told(Level.OK))
            age(position=2)
            found(Level.WARNING, "desk.ear on tickets: 2 events behind, the oldest since")

    def test_one_that_is_behind_without_a_consumer(self, ear):
        announce(sold(1))
        steps.flow()
        announce(sold(1, "U"))
        steps.relay()
        found(Level.ERROR, "Consumers of desk: none is running, and events wait")

    def test_one_whose_events_were_pruned(self, ear):
        announce(sold(3))
        steps.flow()
        Cursor.objects.using("kit").update(position=0, event_id=None)
        LoggedEvent.objects.using("kit").filter(position__lte=2).delete()
        found(Level.ERROR, "desk.ear on tickets", "positions 1 to 2 are pruned", "replay desk.ear")

    def test_one_that_handled_what_the_log_does_not_hold(self, ear):
        announce(sold(3))
        steps.flow()
        LoggedEvent.objects.using("kit").filter(position=3).delete()
        Partition.objects.using("kit").update(head=2)
        stopped = "has handled up to position 3, but the log ends before"
        found(Level.ERROR, "desk.ear on tickets", stopped, "replay desk.ear")
        Cursor.objects.using("kit").update(event_id=None)
        found(
            Level.ERROR, "desk.ear on tickets: its cursor is at position 3, but the log ends at 2"
        )

    def test_one_that_is_no_longer_declared(self, ear):
        announce(sold(1))
        steps.flow()
        Cursor.objects.using("kit").create(
            subscription="desk.old_ear", context="tickets", partition=0
        )
        ReportedCursor.objects.using("kit").create(
            subscription="garage.ear", context="tickets", partition=0, position=0
        )
        found(Level.WARNING, "desk.old_ear: is no longer declared", "forget desk.old_ear")
        found(Level.WARNING, "garage.ear: is no longer declared", "forget garage.ear")

    def test_what_is_declared_elsewhere_is_not_suspected(self, kit):
        kit.set(HOSTED=["tickets"])
        ReportedCursor.objects.using("kit").create(
            subscription="desk.ear", context="tickets", partition=0, position=0
        )
        assert [*examine(["tickets"])] != []
        assert worst(examine(["tickets"])) == Level.OK

    def test_on_a_log_that_lives_elsewhere(self, kit, ear):
        announce(sold(3))
        age()
        steps.flow()
        event = log.read(*PARTITION, 2, 1)[0]
        Cursor.objects.using("kit").update(position=2, event_id=None)
        answer = EventsPage("x:1", first=1, head=3, partitions=1, events=[event])
        kit.set(HOSTED=["desk"])
        with serving(Owner(body=msgspec.json.encode(answer))) as url:
            kit.change("tickets", url=url)
            lines = "\n".join(map(str, examine(["desk"])))
        assert "warning  desk.ear on tickets: 1 event behind, the oldest since" in lines

    def test_on_a_log_that_lives_elsewhere_and_does_not_answer(self, kit, ear):
        announce(sold(3))
        steps.flow()
        Cursor.objects.using("kit").update(position=1, event_id=None)
        kit.set(HOSTED=["desk"], LOOKUP_TIMEOUT_S=1.0)
        with serving(Owner("503 Service Unavailable")) as url:
            kit.change("tickets", url=url)
            seen = [*examine(["desk"])]
        lines = "\n".join(map(str, seen))
        assert "warning  Log of tickets: desk can't query it" in lines
        assert "ok       desk.ear on tickets: 2 events behind the streams" in lines


@contextmanager
def consuming_nothing() -> Iterator[None]:
    """A consumer that is there, and has not come to its next batch."""
    consumer = Consumer(["desk"])
    (ours,) = consumer._contexts
    ours.leases.rebalance([PARTITION])
    try:
        yield
    finally:
        consumer.close()


class TestDeliveries:
    def fail(self, **options: object) -> None:
        def ear(event):
            raise ValueError(event.key)

        carveout.subscribe("tickets.TicketSold", **options)(ear)
        announce(sold(2))
        steps.flow()

    def test_the_dead_are_told_by_subscription_and_error(self):
        self.fail(max_attempts=1)
        dead = found(
            Level.ERROR, "Deliveries of desk.ear: 2 dead of builtins.ValueError, the oldest"
        )
        assert "retry --subscription desk.ear --state dead --error builtins.ValueError" in dead.fix

    def test_those_that_wait_are_no_alarm_until_they_are_old(self, kit):
        kit.set(RETRY_BASE_S=1000)
        self.fail()
        assert any("desk.ear: 2 waiting, the oldest" in line for line in told(Level.OK))
        assert worst(report()) == Level.OK
        Delivery.objects.using("kit").update(parked_at=timezone.now() - LONG_AGO)
        found(Level.WARNING, "desk.ear: 2 waiting, the oldest")

    def test_those_that_nobody_tries(self, kit):
        kit.set(RETRY_BASE_S=1000)
        self.fail()
        Delivery.objects.using("kit").update(due_at=timezone.now())
        assert sound()
        Delivery.objects.using("kit").update(due_at=timezone.now() - LONG_AGO)
        found(Level.ERROR, "Deliveries of desk: 2 due, the first since", "consume desk")

    def test_those_behind_another_of_their_key_are_not_overdue(self):
        self.fail(ordered=True, max_attempts=1)
        Delivery.objects.using("kit").update(
            due_at=timezone.now() - LONG_AGO, key="T-1", state=Delivery.State.WAITING
        )
        Delivery.objects.using("kit").filter(position=1).update(state=Delivery.State.DEAD)
        assert not [line for line in told(Level.ERROR) if " due, the first since" in line]

    def test_of_a_subscription_that_is_no_longer_declared(self, ear):
        announce(sold(1))
        steps.flow()
        Delivery.objects.using("kit").create(
            subscription="desk.old_ear",
            context="tickets",
            partition=0,
            position=1,
            event_id=uuid4(),
            due_at=timezone.now(),
        )
        found(Level.WARNING, "desk.old_ear: is no longer declared, and has deliveries", "discard")


class TestJobs:
    def test_that_nobody_works_on(self, printer):
        announce(sold(2))
        steps.flow()
        found(Level.ERROR, "Jobs of desk: 2 jobs queued, and no guarded worker", "work desk")
        with registered(worker()):
            found(Level.ERROR, "Jobs of desk: 2 jobs queued, and no guarded worker", "work desk")

    @on_sqlite
    def test_a_plain_rq_worker_on_our_queue_is_warned_of(self, valkey, redis):
        command = [sys.executable, "-m", "rq.cli", "worker", "--url", valkey.url, "carveout-desk"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as rq:
            try:
                eventually(lambda: job_queue.workers_of("desk"))
                plain = found(Level.WARNING, "Jobs of desk: a plain RQ worker", str(rq.pid))
                assert "manage.py work desk" in plain.fix
            finally:
                rq.terminate()
        for key in redis.scan_iter("rq:worker*"):  # the signal may come before RQ heeds it
            redis.delete(key)
        assert sound()

    def test_a_worker_that_is_gone_is_no_worker(self, redis, printer):
        with registered(worker(worker_name())):
            redis.delete(*redis.keys("rq:worker:*"))  # as they expire when it was killed
            announce(sold(1))
            steps.flow()
            found(Level.ERROR, "no guarded worker")

    @on_sqlite
    @pytest.mark.usefixtures("rq_signals")
    @pytest.mark.parametrize(
        "kind", ["carveout.deliveries.job_worker.JobWorker", "rq.worker.SimpleWorker"]
    )
    def test_the_worker_that_work_starts_is_guarded(self, kind, printer):
        """Whichever class it has: it is `work` that gives it job class and serialiser."""
        seen: list[str] = []

        @carveout.subscribe("tickets.TicketSold", via="rq")
        def look_around(event):
            seen.extend(map(str, report()))

        announce(sold(1))
        steps.flow()
        call_command("work", "desk", once=True, worker_class=kind, verbosity=0)
        assert any("Jobs of desk: 1 guarded worker, " in line for line in seen), seen
        assert not any("a plain RQ worker" in line for line in seen)


class TestKeys:
    @on_sqlite
    def test_one_secret_for_several_deployments(self, kit):
        kit.change("desk", url="https://desk.internal/")
        found(Level.WARNING, "Keys: those of tickets, desk are derived from SECRET_KEY")
        kit.set(KEYS={"tickets": ["t" * 32], "desk": ["d" * 32]})
        assert sound()

    @on_sqlite
    def test_a_short_key(self, kit, capsys):
        kit.set(KEYS={"tickets": ["t" * 32], "desk": ["d" * 32, "d" * 31]})
        assert doctor(verbosity=0) == 2
        assert "['desk'] must be a list of keys of at least 32" in capsys.readouterr().out

    @on_sqlite
    def test_a_short_secret(self, settings):
        settings.SECRET_KEY = "short"
        found(Level.WARNING, "Keys: SECRET_KEY, from which keys are derived, is shorter")
