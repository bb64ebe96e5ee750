"""order_…, request_…, email_…: what an order costs, beside the monolith that was carved.

The whole project runs as processes: a relay, a consumer for each context, a job worker and a mail
server. This process takes the orders, as the web would. `examples/tangled` does the same in one
process, on the same PostgreSQL and with the same mail server. The counts do not depend on the
machine: the commands that Redis carried out and the transactions of PostgreSQL, of all processes
together, those included that look for work while there is nothing to do.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import psycopg
import redis
from django.core.management import call_command
from tqdm import tqdm

from bench import cpu, mail
from bench.pace import paced
from bench.questions.publish_request import ordering
from bench.rounds import Answer, Scale, Taken
from bench.servers import drop_database, new_database
from bench.side import Side
from bench.workers import eventually
from orders.lines import WantedLine
from orders.services import place_order
from tests.copies import CONTEXTS, ROOT
from tests.servers import free_port
from tests.systems import Deployment

TANGLED = ROOT / "examples" / "tangled"
REPORTED_S = 2.0
"""PostgreSQL's processes report their statistics at most once a second.

Source: https://www.postgresql.org/docs/current/monitoring-stats.html
"""
EFFECTS = {
    "stock reserved": "SELECT count(*) FROM orders_order WHERE status = 'reserved'",
    "purchase verified": "SELECT count(*) FROM reviews_purchase",
    "e-mail sent": "SELECT count(*) FROM notifications_notification"
    " WHERE channel = 'email' AND status = 'sent'",
}
TRANSACTIONS = """
    SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()
"""
EMAIL_P99_S = """
    SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM sent_at - placed_at))
    FROM (
        SELECT n.sent_at, o.placed_at
        FROM notifications_notification n JOIN orders_order o ON o.number = n.order_number
        WHERE n.channel = 'email' ORDER BY n.id DESC LIMIT %s
    ) latest
"""


@dataclass(frozen=True)
class Load:
    """So many orders at this pace; without one, each as soon as the one before was taken."""

    answers: tuple[str, ...]
    orders: int
    per_second: int | None = None
    by_web: bool = False
    """Through the whole web, and not beside the monolith; else through the service."""


LOADS = [
    Load(("order_redis_commands", "order_transactions"), 100, 5, by_web=True),
    Load(("order_cpu_at_5",), 50, 5),
    Load(("order_cpu_at_15", "request_p50_at_15", "request_p99_vs_monolith"), 150, 15),
    Load(("order_cpu_vs_monolith", "request_cpu_vs_monolith", "email_p99_s"), 200),
]
COUNTS = ("order_redis_commands", "order_transactions", "email_p99_s")
"""These are no ratios."""


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    scale = Scale(quick)
    call_command("migrate", verbosity=0)
    ours, theirs = Taken({key: [] for key in keys}), Taken({key: [] for key in keys})
    with mail.running() as (_, env), _carved(env) as carved, _tangled(env) as tangled:
        for _ in tqdm(range(scale.rounds), "orders", leave=False):
            for load in LOADS:
                if asked := [key for key in load.answers if key in keys]:
                    count = scale.of(load.orders)
                    mine = carved(load, count)
                    other = {} if load.by_web else tangled(load, count)
                    for key in asked:
                        ours[key].append(mine[key])
                        theirs[key].append(other.get(key, 1))
    return {key: _answer(key, ours[key], theirs[key]) for key in keys}


def _answer(key: str, ours: list[float], theirs: list[float]) -> Answer:
    if key in COUNTS:
        return Answer(ours, ours[-1], 1, "s" if key.endswith("_s") else "an order")
    return Taken(ours=ours, theirs=theirs).times("ours", "theirs")


Orders = Callable[[Load, int], dict[str, float]]
"""Takes so many orders, until all effects are there. Returns: what they cost, by key."""


@contextmanager
def _carved(env: dict[str, str]) -> Iterator[Orders]:
    """The project's workers, once they have begun."""
    env = {**os.environ, **env}
    folder = Path(os.environ["CARVEOUT_DIR"])
    deployment = Deployment(ROOT, CONTEXTS, folder, free_port(), env, forked=False)
    try:
        deployment.start_workers()
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
            post = ordering()
            post()
            _until_done(database)
            pids = [*cpu.servers(), *(worker.pid for worker in deployment.workers)]

            def orders(load: Load, count: int) -> dict[str, float]:
                time.sleep(REPORTED_S if load.by_web else 0)
                before, used = _counts(database), cpu.of_trees(pids)
                own, took = paced(post if load.by_web else _place, count, load.per_second)
                _until_done(database)
                used = cpu.of_trees(pids) - used + own
                time.sleep(REPORTED_S if load.by_web else 0)
                counts = {
                    key: (total - before[key]) / count for key, total in _counts(database).items()
                }
                (email,) = database.execute(EMAIL_P99_S, [count]).fetchone() or (0,)
                return {**counts, **_costs(used, own, took), "email_p99_s": float(email)}

            yield orders
    finally:
        deployment.end()


@contextmanager
def _tangled(env: dict[str, str]) -> Iterator[Orders]:
    url = new_database(os.environ["DATABASE_URL"])
    env = {**env, "TANGLED_DATABASE_URL": url, "DEBUG": "0"}
    try:
        with Side("bench.tangled.side", "bench.tangled.settings", env, folder=TANGLED) as side:
            side.call("prepare")
            servers = cpu.servers()

            def orders(load: Load, count: int) -> dict[str, float]:
                used = cpu.of_trees(servers)
                own, took = side.call("orders", count, load.per_second)
                return _costs(cpu.of_trees(servers) - used + own, own, took)

            orders(LOADS[-1], 5)
            yield orders
    finally:
        drop_database(url)


def _place() -> None:
    """Another order, with the service that the checkout uses."""
    place_order("7", "a@example.com", [WantedLine("CD-01", 1)])


def _costs(all_of_them: float, serving: float, took: list[float]) -> dict[str, float]:
    """What the keys that are ratios ask for. CPU and times are in seconds an order."""
    count = len(took)
    cuts = quantiles(took, n=100)
    whole = ("order_cpu_vs_monolith", "order_cpu_at_5", "order_cpu_at_15")
    return {
        **dict.fromkeys(whole, all_of_them / count),
        "request_cpu_vs_monolith": serving / count,
        "request_p50_at_15": cuts[49],
        "request_p99_vs_monolith": cuts[98],
    }


def _counts(database: psycopg.Connection) -> dict[str, float]:
    (transactions,) = database.execute(TRANSACTIONS).fetchone() or (0,)
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        commands = sum(each["calls"] for each in client.info("commandstats").values())
    return {"order_redis_commands": commands, "order_transactions": transactions}


def _until_done(database: psycopg.Connection) -> None:
    """Wait until each order has all of its effects."""
    (orders,) = database.execute("SELECT count(*) FROM orders_order").fetchone() or (0,)
    for statement in EFFECTS.values():
        eventually(lambda sql=statement: database.execute(sql).fetchone() == (orders,), 0.5)
