"""Redis Sentinel and Redis Cluster by URL alone. What they do under fire: tests/chaos."""

import signal
from collections.abc import Iterator
from contextlib import closing

import pytest
from django.core.management import call_command

import carveout
from carveout.consumers.consumer import Consumer
from carveout.eventlog.relay import Relay
from carveout.redis.client import REDIS_ERRORS, client
from carveout.redis.wakeups import WakeupListener
from tests.eventually import eventually
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import sell
from tests.redis_groups import ClusterForTests, Node, SentinelForTests

FOR_EVER_MS = 600_000
"""Longer than a test may last: who waits that long was not woken."""
PARTITIONS = 8
TICKETS = [f"T-{number}" for number in range(20)]

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
pytestmark = [on_sqlite, pytest.mark.usefixtures("kit")]


@pytest.fixture(scope="module")
def sentinel() -> Iterator[SentinelForTests]:
    group = SentinelForTests()
    yield group
    group.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterForTests]:
    group = ClusterForTests()
    yield group
    group.close()


@pytest.fixture
def on_sentinel(kit, sentinel):
    kit.set(REDIS_URL=sentinel.url)
    client().flushall()


@pytest.fixture
def on_cluster(kit, cluster):
    kit.set(REDIS_URL=cluster.url)
    kit.change("tickets", partitions=PARTITIONS)
    client().flushall()


def subscribe(**options: str) -> None:
    @carveout.subscribe("tickets.TicketSold", **options)
    def write(event):
        note(event.number)


@pytest.mark.usefixtures("on_sentinel")
class TestSentinel:
    def test_events_arrive(self, sentinel):
        subscribe()
        sell(*TICKETS)
        steps.flow()
        assert notes() == TICKETS
        assert sentinel.primary.say("XLEN", "carveout:{tickets.0}:stream") == len(TICKETS)

    def test_jobs_run(self, rq_signals):
        subscribe(via="rq")
        sell(*TICKETS)
        steps.flow()
        call_command("work", "desk", once=True, verbosity=0)
        assert sorted(notes()) == sorted(TICKETS)

    def test_a_reply_that_a_signal_interrupts_is_not_read_by_the_next_command(self):
        client().set("answer", "42")
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            with pytest.raises(KeyboardInterrupt):
                client().blpop("nothing", timeout=2)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert client().get("answer") == b"42"


@pytest.mark.usefixtures("on_cluster")
class TestCluster:
    def test_events_arrive(self, cluster):
        subscribe()
        sell(*TICKETS)
        steps.flow()
        assert sorted(notes()) == sorted(TICKETS)
        assert all(node.say("DBSIZE") for node in cluster.primaries)

    def test_jobs_run_on_a_redis_of_their_own(self, kit, valkey, rq_signals):
        kit.set(JOBS_REDIS_URL=valkey.url)
        subscribe(via="rq")
        sell(*TICKETS)
        steps.flow()
        call_command("work", "desk", once=True, verbosity=0)
        assert sorted(notes()) == sorted(TICKETS)

    def test_a_consumer_is_woken_by_any_of_its_partitions(self, kit):
        kit.set(BLOCK_MS=FOR_EVER_MS)
        subscribe()
        consumer, relay = Consumer(["desk"]), Relay(["tickets"])
        consumer.run_once()
        consumer.wait()  # listens from now on
        for number in TICKETS:
            sell(number)
            relay.run_once()
            consumer.wait()
            consumer.run_once()
        assert notes() == TICKETS

    def test_the_relay_is_woken(self, kit):
        kit.set(BLOCK_MS=FOR_EVER_MS)
        listener = WakeupListener(["tickets"])
        listener.wait()  # listens from now on
        sell("T-1")
        listener.wait()
        listener.close()

    def test_a_slot_is_moved_with_its_stream(self, cluster):
        subscribe()
        for number in TICKETS[:3]:
            sell(number)
            steps.flow()
            for partition in range(PARTITIONS):
                cluster.move(f"carveout:{{tickets.{partition}}}:stream")
        assert notes() == TICKETS[:3]


def test_a_cluster_that_was_gone_altogether_is_found_again(kit):
    with closing(ClusterForTests(replicas=False)) as cluster:
        kit.set(REDIS_URL=cluster.url)
        kit.change("tickets", partitions=PARTITIONS)
        subscribe()
        sell("T-1")
        steps.flow()
        for node in cluster.nodes:
            node.kill()
        sell("T-2")
        for work in (steps.relay, steps.consume):
            with pytest.raises(carveout.StreamUnavailable):
                work()
        for number in range(50):  # each node fails
            with pytest.raises(REDIS_ERRORS):
                client().exists(f"key-{number}")
        cluster.start()
        eventually(flows)
        assert notes() == ["T-1", "T-2"]


def test_a_node_that_is_gone_leaves_the_streams_of_the_others_whole(kit):
    with closing(ClusterForTests(replicas=False)) as cluster:
        kit.set(REDIS_URL=cluster.url)
        kit.change("tickets", partitions=PARTITIONS)
        sell(*TICKETS)
        steps.relay()
        gone, *others = cluster.nodes
        before = [streams_on(node) for node in others]
        for node in others:
            node.say("CONFIG", "SET", "cluster-require-full-coverage", "no")
            node.say("FLUSHALL")
        gone.kill()

        def are_whole() -> bool:
            with pytest.raises(carveout.StreamUnavailable):
                steps.relay()
            return [streams_on(node) for node in others] == before

        eventually(are_whole)  # the nodes may first have to agree who is gone
        assert all(before)


def streams_on(node: Node) -> dict[str, int]:
    """How many entries each has."""
    return {key: node.say("XLEN", key) for key in node.say("KEYS", "*:stream")}


def flows() -> bool:
    """Redis is back before each of its slots is served."""
    try:
        steps.flow()
    except carveout.StreamUnavailable:
        return False
    return len(notes()) == 2
