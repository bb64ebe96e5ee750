"""python -m bench.styles [--orders N] [--only STYLE …]

The four styles of event-driven architecture, each in the shop: what a new subscriber costs the
owner of the orders, how stale it is, and what it knows while the owner is down.

`examples/styles` has their code. PostgreSQL, whose commits wait for the disk, Valkey, the owner's
web and relay and the subscriber's consumer are real processes, and each style has its own.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any, LiteralString

import psycopg
import redis
from psycopg import sql
from tqdm import tqdm

from bench import servers
from bench.side import ROOT, Side
from bench.workers import eventually
from carveout.redis import keys
from carveout.runtime import ports
from carveout.telemetry.counters import FLUSH_EVERY_S
from tests import processes
from tests.processes import Process
from tests.servers import free_port

EXAMPLE = ROOT / "examples" / "styles"
STYLES = {
    "notified": "event notification",
    "carried": "event-carried state transfer",
    "sourced": "event sourcing",
    "copied": "CQRS, by an own copy",
}
ORDERS = 200
PER_SECOND = 10
DOWN_S = 5.0
"""How long the subscriber may work while the owner is down."""
LOOK_EVERY_S = 0.005


@dataclass(frozen=True)
class Measured:
    """What one style costs. The owner is down for as many orders as were placed before."""

    orders: int
    requests: float
    """To the owner, for each order."""
    redis_bytes: float
    """For each order."""
    p50_ms: float
    p95_ms: float
    """From the commit of an order to that of its effect."""
    known_while_down: int
    late_s: float
    """Until the subscriber knew all orders, from the owner's return."""
    cancelled: int
    handled_as_placed: int | None
    """Of those that were cancelled before they were handled: first handled as placed."""


class Run:
    """The processes of one style. They share nothing with those of others."""

    def __init__(self, style: str, postgres_url: str, redis_url: str, folder: Path) -> None:
        self.style, self.port = style, free_port()
        self.urls = [servers.new_database(postgres_url) for _ in range(2)]
        own = f"http://{ports.HOST}:{self.port}/internal"
        shared = {
            **os.environ,
            "PYTHONPATH": f"{EXAMPLE}{os.pathsep}{ROOT}",
            "CARVEOUT_DIR": str(folder),
            "REDIS_URL": redis_url,
            "SECRET_KEY": "for measurements only",
            "URL_ORDERS": own,
        }
        self.owner = shared | {
            "DJANGO_SETTINGS_MODULE": "config.owner",
            "CONTEXTS": "orders",
            "DATABASE_URL": self.urls[0],
            "URL_SHOP": own,  # nobody asks it: these orders are stored, and not bought
        }
        self.reader = shared | {
            "DJANGO_SETTINGS_MODULE": "config.reader",
            "CONTEXTS": style,
            "DATABASE_URL": self.urls[1],
        }

        def process(env: dict[str, str], *arguments: str) -> Process:
            return Process(arguments[0], arguments, EXAMPLE, env, folder / f"{arguments[0]}.log")

        self.web = process(self.owner, "runserver", "--noreload", str(self.port))
        self.relay = process(self.owner, "relay")
        self.consumer = process(self.reader, "consume", style)

    @contextmanager
    def started(self) -> Iterator[None]:
        servers.empty_redis(self.owner["REDIS_URL"])
        try:
            for env in (self.owner, self.reader):
                processes.run("migrate", "--verbosity", "0", folder=EXAMPLE, env=env)
            with (
                psycopg.connect(self.urls[1], autocommit=True) as self.database,
                redis.Redis.from_url(self.owner["REDIS_URL"], decode_responses=True) as self.redis,
                Side("bench.styles_owner", "config.owner", self.owner) as self.side,
            ):
                self._start_web()
                self.relay.start()
                self.consumer.start()
                self.consumer.wait_until_it_says("consuming for ")
                yield
        finally:
            for each in (self.consumer, self.relay, self.web):
                each.end()
            for url in self.urls:
                servers.drop_database(url)

    def measure(self, count: int) -> Measured:
        """Place orders at a steady pace, and then as many whose owner goes down."""
        with ThreadPoolExecutor(1) as pool:
            placing = pool.submit(self.side.call, "place", self.style, count, PER_SECOND)
            seen_at = self._watch_until_there_are(count)
            committed_at = placing.result()
        cuts = quantiles([seen_at[number] - at for number, at in committed_at.items()], n=20)
        time.sleep(2 * FLUSH_EVERY_S)  # processes count their requests, and send them once a second
        requests, stored = self._requests(), self._redis_bytes()

        self.consumer.pause()
        late = list(self.side.call("place", self.style, count, None))
        cancelled = late[: count // 10]
        self.side.call("cancel", self.style, cancelled)
        self.web.kill()
        self.consumer.resume()
        time.sleep(DOWN_S)
        known = len(self._numbers()) - count
        returned_at = time.time()
        self._start_web()
        arrived_at = self._watch_until_there_are(2 * count)
        eventually(lambda: self._cancelled() == len(cancelled))
        return Measured(
            orders=count,
            requests=requests / count,
            redis_bytes=stored / count,
            p50_ms=cuts[9] * 1000,
            p95_ms=cuts[18] * 1000,
            known_while_down=known,
            late_s=max(arrived_at.values()) - returned_at if known < count else 0,
            cancelled=len(cancelled),
            handled_as_placed=self._handled_as_placed(cancelled),
        )

    def _start_web(self) -> None:
        self.web.start()
        eventually(lambda: ports.answers(self.port))

    def _watch_until_there_are(self, count: int) -> dict[str, float]:
        """When each order was first seen, by number."""
        seen_at: dict[str, float] = {}

        def look() -> bool:
            now = time.time()
            for number in self._numbers():
                seen_at.setdefault(number, now)
            return len(seen_at) == count

        eventually(look, LOOK_EVERY_S)
        return seen_at

    def _numbers(self) -> list[str]:
        return [number for (number,) in self._rows("SELECT number FROM {}")]

    def _cancelled(self) -> int:
        if self.style == "copied":
            return len(self._rows("SELECT number FROM {} WHERE status = 'cancelled'"))
        return len(self._rows("SELECT number FROM {} WHERE amount = 0"))

    def _handled_as_placed(self, numbers: list[str]) -> int | None:
        if self.style == "copied":
            return None
        past = "SELECT number FROM {} WHERE first_status = 'placed' AND number = ANY(%s)"
        return len(self._rows(past, numbers))

    def _rows(self, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds in the subscriber's table, which is `{}`."""
        table = sql.Identifier(f"{self.style}_entry")
        return self.database.execute(sql.SQL(statement).format(table), values).fetchall()

    def _requests(self) -> int:
        counts = self.redis.hgetall(keys.counts("lookups"))
        return sum(int(count) for name, count in counts.items() if name.endswith(" orders.order"))

    def _redis_bytes(self) -> int:
        streams = self.redis.scan_iter(_type="stream")
        return sum(self.redis.memory_usage(stream, samples=0) for stream in streams)


def main() -> None:
    parser = argparse.ArgumentParser("bench.styles", description=__doc__.splitlines()[2])
    parser.add_argument("--orders", type=int, default=ORDERS, metavar="N")
    parser.add_argument("--only", nargs="+", choices=STYLES, default=STYLES, metavar="STYLE")
    arguments = parser.parse_args()
    measured = {}
    with servers.started() as urls:
        for style in tqdm(arguments.only, "styles"):
            with tempfile.TemporaryDirectory() as folder:
                run = Run(style, *urls, Path(folder))
                with run.started():
                    measured[style] = run.measure(arguments.orders)
    print(table(measured))


def table(measured: dict[str, Measured]) -> str:
    """In Markdown."""
    titles = [STYLES[style] for style in measured]
    rows = [[title, *map(cell, measured.values())] for title, cell in ROWS.items()]
    lines = [["", *titles], ["---"] * (len(titles) + 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


ROWS: dict[str, Callable[[Measured], str]] = {
    "requests to the owner, for 100 orders": lambda it: f"{it.requests * 100:.0f}",
    "bytes in Redis, for an order": lambda it: f"{it.redis_bytes:,.0f}",
    "known to the subscriber after, p50": lambda it: f"{it.p50_ms:.0f} ms",
    "the same, p95": lambda it: f"{it.p95_ms:.0f} ms",
    "owner down: new orders known": lambda it: f"{it.known_while_down} of {it.orders}",
    "owner back: all known after": lambda it: f"{it.late_s:.1f} s" if it.late_s else "-",
    "cancelled before they were handled, and handled as placed": lambda it: (
        "-" if it.handled_as_placed is None else f"{it.handled_as_placed} of {it.cancelled}"
    ),
}


if __name__ == "__main__":
    main()
