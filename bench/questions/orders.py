"""order_…: what an order of the reference project costs until all of its effects are there.

The whole project runs as processes: a relay, a consumer for each context, a job worker and a mail
server. This process takes the orders, as the web would. The counts do not depend on the machine:
the commands that Redis carried out and the transactions of PostgreSQL, of all processes together,
those included that look for work while there is none.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis
from django.core.management import call_command
from tqdm import tqdm

from bench.questions.publish_request import ordering
from bench.rounds import Answer, Scale
from bench.workers import eventually
from tests.copies import CONTEXTS, ROOT
from tests.servers import SmtpForTests, free_port
from tests.systems import STARTED, Deployment

ORDERS = 100
PER_SECOND = 5
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


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    scale = Scale(quick)
    count = scale.of(ORDERS)
    found: dict[str, list[float]] = {key: [] for key in keys}
    call_command("migrate", verbosity=0)
    with _project(), psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
        post = ordering()
        post()
        _until_done(database, 1)
        for number in tqdm(range(scale.rounds), "orders", leave=False):
            time.sleep(REPORTED_S)
            before = _counts(database)
            _paced(post, count)
            _until_done(database, 1 + (number + 1) * count)
            time.sleep(REPORTED_S)
            for key, total in _counts(database).items():
                found[key].append((total - before[key]) / count)
    return {key: Answer(found[key], found[key][-1], 1, "an order") for key in keys}


@contextmanager
def _project() -> Iterator[None]:
    """The project's workers and its mail server, once they have begun."""
    mail = SmtpForTests()
    mail.start()
    env = {**os.environ, "EMAIL_PORT": str(mail.port)}
    folder = Path(os.environ["CARVEOUT_DIR"])
    deployment = Deployment(ROOT, CONTEXTS, folder, free_port(), env, forked=False)
    workers = [each for each in deployment.processes if each is not deployment.web]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.wait_until_it_says(STARTED[worker.arguments[0]])
        yield
    finally:
        deployment.end()
        mail.stop()


def _counts(database: psycopg.Connection) -> dict[str, float]:
    (transactions,) = database.execute(TRANSACTIONS).fetchone() or (0,)
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        commands = sum(each["calls"] for each in client.info("commandstats").values())
    return {"order_redis_commands": commands, "order_transactions": transactions}


def _paced(post: Callable[[], None], count: int) -> None:
    """Orders at a steady pace, whatever each of them takes."""
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(began + number / PER_SECOND - time.monotonic(), 0))
        post()


def _until_done(database: psycopg.Connection, orders: int) -> None:
    for statement in EFFECTS.values():
        eventually(lambda sql=statement: database.execute(sql).fetchone() == (orders,), 0.5)
