"""Redis answers with an error: it is told in its own words, with the fix, and not as silence."""

import re
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from redis import Redis, ResponseError

import carveout
from carveout.consumers.consumer import Consumer
from carveout.errors import StreamRefused, StreamUnavailable
from carveout.eventlog.relay import Relay
from carveout.events.event import PartitionRef
from carveout.operations.doctor import redis as servers
from carveout.operations.doctor.finding import Level
from carveout.operations.health import readiness
from carveout.operations.metrics import prometheus
from carveout.redis import groups, streams
from carveout.telemetry import counters
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold
from tests.redis_groups import ClusterForTests

pytestmark = [
    pytest.mark.usefixtures("kit", "rq_signals"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]

PARTITION = PartitionRef("tickets", 0)
PAGE = Path("docs/howto/use-your-own-redis.md")


@pytest.fixture(autouse=True)
def subscriptions(kit) -> None:
    kit.change("tickets", partitions=2)  # so that each of two consumers wants one

    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        note(event.key)


@pytest.fixture
def redis(valkey) -> Iterator[Redis]:
    with valkey.client as connection:
        yield connection


@pytest.fixture
def user(kit, valkey, redis):
    """Gives: a function that has the kit be a new user with these rules."""
    made = []

    def become(*rules: str) -> None:
        made.append(f"user{time.monotonic_ns()}")  # clients are kept by URL
        redis.execute_command("ACL", "SETUSER", made[-1], "on", ">p", *rules)
        kit.set(REDIS_URL=valkey.url.replace("redis://", f"redis://{made[-1]}:p@"))

    yield become
    for name in made:
        redis.execute_command("ACL", "DELUSER", name)


def documented() -> tuple[list[str], list[str]]:
    """The rules of the page: of the streams, and what jobs need besides."""
    lines = re.findall(r"^ACL SETUSER shop (.*)$", PAGE.read_text(), re.MULTILINE)
    streams, jobs = (line.split() for line in lines)
    return streams[2:], jobs


def everything() -> None:
    """All that the kit asks of Redis, but for jobs."""
    announce(sold(3))
    steps.flow()
    relay, consumer, other = Relay(["tickets"]), Consumer(["desk"]), Consumer(["desk"])
    relay.wait()
    for worker in (relay, consumer, other):
        worker.run_once()
    consumer.wait()
    call_command("replay", "desk.ear", "--from", "2", "--yes")
    for worker in (relay, consumer, other):
        worker.close()
    for command in (["prune", "--older-than", "1"], ["contextmap"], ["story", "T-1"]):
        call_command(*command, stdout=StringIO(), stderr=StringIO())
    call_command("epoch", "tickets", "--yes", stdout=StringIO())
    counters.increment("failed", "desk.ear tickets.TicketSold")
    steps.flow()
    counters.drop_subscription("desk.ear")
    groups.forget_subscription(PARTITION, "desk.ear")
    assert readiness.redis() == {"redis": True}
    assert b"carveout_look_succeeded 0" not in prometheus.text()
    assert [each for each in servers.check() if each.level > Level.OK] == []


def test_the_documented_rules_are_enough_and_not_more(redis, user, monkeypatch):
    rules, _ = documented()
    monkeypatch.setattr(groups, "REPORT_EVERY_S", 0.0)
    user("resetkeys", "resetchannels", "-@all", *rules)
    redis.config_resetstat()
    everything()
    assert set(notes()) == {"T-1", "T-2", "T-3"}
    stats = redis.info("commandstats")
    refused = [name for name, each in stats.items() if each["rejected_calls"]]
    assert set(refused) <= {"cmdstat_client|setinfo"}  # the client does without
    used = {name.removeprefix("cmdstat_").lower() for name in stats}
    allowed = {rule[1:] for rule in rules if rule.startswith("+")}
    assert allowed - used == set()


def test_the_documented_rules_are_enough_for_jobs(redis, user):
    @carveout.subscribe("tickets.TicketSold", via="rq")
    def print_ticket(event):
        note(f"job {event.key}")

    streams, jobs = documented()
    user("resetkeys", "resetchannels", "-@all", *streams, *jobs)
    everything()
    call_command("work", "desk", once=True, verbosity=0)
    assert {"job T-1", "job T-2", "job T-3"} <= set(notes())
    assert redis.keys("rq:job:*") == []


def test_the_documented_rules_are_enough_on_a_cluster(kit):
    [more] = re.findall(r"client of a cluster also needs `([^`]+)`", PAGE.read_text())
    cluster = ClusterForTests(replicas=False)
    try:
        for node in cluster.nodes:
            node.say("ACL", "SETUSER", "shop", "on", ">p", *documented()[0], *more.split())
        kit.set(REDIS_URL=cluster.url.replace("://", "://shop:p@"))
        announce(sold(3))
        steps.flow()
        assert sorted(notes()) == ["T-1", "T-2", "T-3"]
        assert groups.reported_cursors(PARTITION)
    finally:
        cluster.close()


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (["~carveout:*", "resetchannels", "+@all"], "No permissions to access a channel"),
        (["~carveout:*", "&*", "+@all", "-time"], "ACL failure in script.*'time'"),
        (["~carveout:*", "&*", "+@all", "-xadd"], "ACL failure in script.*'xadd'"),
        (["~other:*", "&*", "+@all"], "NOPERM No permissions to access a key"),
    ],
)
def test_what_a_user_may_not_is_no_silence(rules, told, user):
    user(*rules)
    relay, consumer = Relay(["tickets"]), Consumer(["desk"])
    announce(sold(2))
    with pytest.raises(StreamRefused, match=f"{told}.*Use your own Redis") as refused:
        for step in (relay.run_once, relay.wait, consumer.run_once):
            step()
    assert "did not answer" not in str(refused.value)
    assert "nothing is lost" in str(refused.value)
    relay.close()


def test_a_wrong_password_is_no_silence(kit, valkey):
    kit.set(REDIS_URL=valkey.url.replace("redis://", f"redis://wrong{time.monotonic_ns()}:p@"))
    with pytest.raises(StreamRefused, match="Correct the user and the password"):
        steps.relay()
    with pytest.raises(CommandError, match="Correct the user and the password"):
        call_command("work", "desk", once=True, verbosity=0)
    [found] = servers.check()
    assert (found.level, found.fix) == (
        Level.ERROR,
        "Correct the user and the password in the URL",
    )


def test_a_full_redis_is_no_silence(redis):
    redis.config_set("maxmemory", 1)
    try:
        announce(sold(1))
        with pytest.raises(StreamRefused, match=r"OOM .*Raise maxmemory, or lower STREAM_LENGTH"):
            steps.relay()
    finally:
        redis.config_set("maxmemory", 0)


def test_a_replica_is_no_silence(redis):
    redis.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        announce(sold(1))
        with pytest.raises(StreamRefused, match="Connect to the primary"):
            steps.relay()
    finally:
        redis.execute_command("REPLICAOF", "NO", "ONE")


def test_a_redis_that_is_away_is_silence(valkey):
    valkey.stop()
    with pytest.raises(StreamUnavailable, match="Redis did not answer") as away:
        steps.relay()
    assert not isinstance(away.value, StreamRefused)


def test_a_node_of_a_cluster_says_what_it_is(kit):
    cluster = ClusterForTests(replicas=False)
    try:
        for node in cluster.nodes:
            kit.set(REDIS_URL=f"redis://127.0.0.1:{node.port}/0")
            told = [str(each) for each in servers.check() if each.level == Level.ERROR]
            assert len(told) == 1
            assert "is a node of a cluster, but the URL names a single server" in told[0]
            try:
                streams.last_position(PARTITION)
            except StreamRefused as moved:
                assert "MOVED" in str(moved)
                assert "begin the URL with redis+cluster://" in str(moved)
                break
        else:
            raise AssertionError("no node moved us")
    finally:
        cluster.close()


def test_a_single_server_that_is_called_a_cluster_says_what_it_is(kit, valkey):
    kit.set(REDIS_URL=valkey.url.replace("redis://", "redis+cluster://").removesuffix("/0"))
    [found] = servers.check()
    assert "Cluster mode is not enabled" in str(found)
    assert found.fix == "This is a single server: begin the URL with redis://"


def test_a_redis_without_info_answers_all_the_same(user):
    user("~*", "&*", "+@all", "-info")
    assert "can't be seen" in next(iter(servers.check())).found
    missing = ResponseError("unknown command 'INFO', with args beginning with: ")
    assert servers._without(missing, "info")
    assert not servers._without(missing, "time")
