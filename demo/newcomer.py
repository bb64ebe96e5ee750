"""Adds a subscriber to the running shop: `examples/loyalty`, a context of another team."""

import hashlib
import io
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.core.management import call_command

from carveout.conf import get_settings
from carveout.errors import CarveoutError
from carveout.management.development_system import System
from carveout.runtime.processes import Processes
from demo.breaking import PER_SECOND
from demo.shopper import Shopper
from demo.traffic import Traffic
from orders.models import Order

FOLDER = settings.BASE_DIR / "examples" / "loyalty"
SUBSCRIPTION = "loyalty.count_points"
PATIENCE_S = 60.0


class Loyalty:
    """The deployment of the new context: one process, and a database of its own."""

    def __init__(self, processes: Processes, database: Path) -> None:
        self.processes, self.database = processes, database

    def start(self) -> None:
        """Raises: CarveoutError: its database can't be set up."""
        if self.processes.run("migrate", *_manage("migrate", "--verbosity", "0")):
            raise CarveoutError("The database of loyalty could not be set up.")
        self.processes.start("loyalty", *_manage("consume", "loyalty"))

    def points(self) -> dict[str, int]:
        """The points by order number."""
        with closing(sqlite3.connect(self.database)) as connection:
            return dict(connection.execute("SELECT order_number, points FROM loyalty_points"))

    def wait_for(self, orders: int) -> None:
        """Wait until that many orders have points.

        Raises: CarveoutError: for a minute, no further order got some.
        """
        found, since = len(self.points()), time.monotonic()
        while found < orders:
            if time.monotonic() - since > PATIENCE_S:
                raise CarveoutError(f"Only {found} of {orders} orders have points.")
            time.sleep(0.1)
            now = len(self.points())
            since = time.monotonic() if now != found else since
            found = now


@contextmanager
def deployment(system: System, output: TextIO) -> Iterator[Loyalty]:
    """The deployment, not started yet; it ends with the block."""
    database = Path(settings.STATE_DIR) / "loyalty.sqlite3"
    processes = Processes(
        {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": os.pathsep.join(map(str, (FOLDER, settings.BASE_DIR))),
            "PYTHONSAFEPATH": "1",  # only what PYTHONPATH has, in that order
            "CONTEXTS": "loyalty",
            "DATABASE": str(database),
            "REDIS_URL": get_settings().redis,
            "SECRET_KEY": settings.SECRET_KEY,
            "URL_ORDERS": f"{system.url}/internal",
        },
        output,
    )
    try:
        yield Loyalty(processes, database)
    finally:
        processes.stop()


@dataclass(frozen=True)
class Joined:
    """What came of it, in numbers."""

    expected: dict[str, int]
    found: dict[str, int]


def join(
    loyalty: Loyalty, system: System, customer: Shopper, for_s: float, say: Callable[[str], object]
) -> Joined:
    """Start the new context while customers order, and stop them when it has run for a while.

    Raises: CarveoutError: it can't be started, or orders get no points for a minute.
    """
    history = Order.objects.count()
    processes, code = _pids(system), _checksums()
    traffic = Traffic(customer.order, PER_SECOND)
    try:
        say(f"\nThe shop has {history} orders, and customers go on ordering. Starting loyalty …")
        loyalty.start()
        started_at = time.monotonic()
        loyalty.wait_for(history)
        say(f"It had the points of all of them after {time.monotonic() - started_at:.1f} s.")
        time.sleep(for_s)
    finally:
        traffic.stop()
    worth = {number: int(total) for number, total in Order.objects.values_list("number", "total")}
    loyalty.wait_for(len(worth))
    points, answers, files = loyalty.points(), traffic.answers(), _checksums()
    return Joined(
        expected={
            "orders before it started": history,
            "orders meanwhile": answers.taken,
            "orders with the right points": len(worth),
            "points": sum(worth.values()),
            "orders lost": 0,
            "processes that ended": 0,
            "changed files of orders": 0,
            "arrows to it on the map": 1,
        },
        found={
            "orders before it started": history,
            "orders meanwhile": len(worth) - history,
            "orders with the right points": len(points.items() & worth.items()),
            "points": sum(points.values()),
            "orders lost": answers.lost,
            "processes that ended": len(processes - _pids(system)),
            "changed files of orders": len(code.items() ^ files.items()),
            "arrows to it on the map": _on_the_map(),
        },
    )


def _pids(system: System) -> set[int]:
    return {each.process.pid for each in system.processes.children}


def _checksums() -> dict[str, str]:
    """Of all code of orders, by file."""
    files = (settings.BASE_DIR / "orders").rglob("*.py")
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _on_the_map() -> int:
    """How many arrows lead from OrderCreated to the new subscription, on the shop's own map."""
    shown = io.StringIO()
    call_command("contextmap", format="json", stdout=shown)
    events = {each["type"]: each["heard_by"] for each in json.loads(shown.getvalue())["events"]}
    return events["orders.OrderCreated"].count(SUBSCRIPTION)


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "django", *arguments)
