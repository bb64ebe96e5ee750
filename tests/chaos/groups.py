"""Redis as a group: its primaries die, its replicas miss what was accepted, its slots move."""

import random
from collections.abc import Callable
from contextlib import closing

import redis
from redis.cluster import ClusterNode, RedisCluster

from carveout.runtime.ports import HOST
from tests.chaos.brittle import STREAMS
from tests.eventually import eventually
from tests.redis_groups import ClusterForTests, Node, SentinelForTests
from tests.servers import ValkeyForTests

Entries = dict[str, list[tuple[str, dict[str, str]]]]
MISSED = 20
"""How many accepted entries the replicas have to miss before they take over."""


class BrittleSentinel:
    """A Redis that Sentinels watch."""

    def __init__(self, _mode: str = "") -> None:
        self._group = SentinelForTests()
        self.missing: list[int] = []
        """How many accepted entries the new primary lacked, at each stale fail-over."""

    @property
    def env(self) -> dict[str, str]:
        return {"REDIS_URL": self._group.url}

    def faults(self, rng: random.Random) -> dict[str, Callable[[], None]]:
        return {
            "redis fail over": self._group.fail_over,
            "redis stale fail over": self._stale_fail_over,
        }

    def entries(self) -> Entries:
        with self._group.primary.client as client:
            return _entries(client)

    def close(self) -> None:
        self._group.close()

    def _stale_fail_over(self) -> None:
        """Let the replicas miss what the primary accepts, then kill it."""
        primary = self._group.primary
        primary.proxy.starving = True
        eventually(lambda: self._missed(_ends(primary)) >= MISSED)
        accepted = _ends(primary)
        self._group.fail_over(lambda: self.missing.append(self._missed(accepted)))
        primary.proxy.starving = False

    def _missed(self, accepted: dict[str, int]) -> int:
        """How many of the accepted entries not even the better replica has."""
        replicas = [_ends(replica) for replica in self._group.replicas]
        return sum(accepted.values()) - max(sum(ends.values()) for ends in replicas)


class BrittleCluster:
    """A Redis Cluster, and a Redis for jobs."""

    def __init__(self, _mode: str = "") -> None:
        self._group = ClusterForTests()
        self._jobs = ValkeyForTests()
        self._jobs.start()

    @property
    def env(self) -> dict[str, str]:
        return {"REDIS_URL": self._group.url, "JOBS_REDIS_URL": self._jobs.url}

    def faults(self, rng: random.Random) -> dict[str, Callable[[], None]]:
        return {
            "redis fail over": lambda: self._group.fail_over(rng),
            "redis move slot": lambda: self._move_a_stream(rng),
        }

    def entries(self) -> Entries:
        nodes = [ClusterNode(HOST, node.port) for node in self._group.primaries]
        with closing(RedisCluster(startup_nodes=nodes, decode_responses=True)) as client:
            return _entries(client)

    def close(self) -> None:
        self._group.close()
        self._jobs.close()

    def _move_a_stream(self, rng: random.Random) -> None:
        if streams := sorted(self.entries()):
            self._group.move(rng.choice(streams), rng)


def _entries(client: redis.Redis | RedisCluster) -> Entries:
    return {name: client.xrange(name) for name in client.scan_iter(STREAMS, count=1000)}


def _ends(node: Node) -> dict[str, int]:
    """The last position of each stream on a node."""
    with node.client as client:
        ids = {
            name: client.xinfo_stream(name)["last-generated-id"]
            for name in client.scan_iter(STREAMS, count=1000)
        }
    return {name: int(last.split("-")[0]) for name, last in ids.items()}
