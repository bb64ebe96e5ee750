"""manage.py demo"""

import fcntl
import os
import shutil
import signal
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from tqdm import tqdm

from carveout.conf.validation import suggest
from carveout.errors import CarveoutError
from carveout.management.development_system import System, running
from carveout.management.redis_running import redis_running
from carveout.telemetry import counters
from demo import newcomer, outcome, tangled
from demo.breaking import NotAsExpected, Outage
from demo.outage import PARTS
from demo.shopper import Shopper
from orders.cdnow import Purchase, read

SAMPLE = Path("orders/data/cdnow_sample.txt")
IN_DEMO = "CARVEOUT_DEMO"
STORIES = "admin:carveout_story_changelist"
PATIENCE_S = 60.0
"""The demonstration gives up if nothing has changed for this long."""
ELSEWHERE = ("REDIS_URL", "DATABASE_URL", "CONTEXTS", "CARVEOUT_DIR")


class Command(BaseCommand):
    """Runs everything, places real orders, and compares the results with the expected ones."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="the web's port, or the next free one"
        )
        parser.add_argument("--orders", type=int, default=500, help="default: %(default)s")
        parser.add_argument("--by-rest", type=int, default=20, help="placed by REST; default: 20")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--add-subscriber",
            action="store_true",
            help="start examples/loyalty, a new context, while customers order",
        )
        instead.add_argument(
            "--break",
            dest="parts",
            default="",
            metavar="PART",
            help="stop a part while customers order, here and in examples/tangled: "
            f"{', '.join(PARTS)}, several of them separated by commas, or all",
        )
        parser.add_argument(
            "--for",
            dest="for_s",
            type=float,
            default=10.0,
            metavar="SECONDS",
            help="how long the part stays stopped; default: %(default)s",
        )

    def handle(
        self,
        *,
        port: int,
        orders: int,
        by_rest: int,
        add_subscriber: bool,
        parts: str,
        for_s: float,
        **options: Any,
    ) -> None:
        broken = chosen(parts)
        if IN_DEMO not in os.environ:
            start_apart()
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        purchases = list(islice(read(settings.BASE_DIR / SAMPLE), orders))
        imported, rest = purchases[: orders - by_rest], purchases[orders - by_rest :]
        log_path = settings.STATE_DIR / "log.txt"
        try:
            with (
                log_path.open("w") as log,
                redis_running(),
                running(port=port, output=log) as system,
            ):
                if broken:
                    self._break(broken, for_s, system, log)
                elif add_subscriber:
                    self._add_subscriber(orders, for_s, system, log)
                else:
                    self._demonstrate(system, imported, rest)
        except CarveoutError as error:
            raise CommandError(f"{error} The log is {log_path}.") from error
        except KeyboardInterrupt:
            self.stdout.write("Everything has stopped.")

    def _demonstrate(
        self, system: System, imported: Sequence[Purchase], by_rest: Sequence[Purchase]
    ) -> None:
        admin = self._started(system)
        sample = str(settings.BASE_DIR / SAMPLE)
        call_command("import_orders", sample, limit=len(imported), phones=True)
        customers = order_by_rest(system.url, by_rest)
        expected = outcome.Expected.of(imported, by_rest)
        found = wait_for(expected.rows(), system, admin)
        self._tell_numbers(expected.rows(), found)
        by_rest_emails = [customer.email for customer in customers]
        self._tell_latency(admin, by_rest_emails, [purchase.email for purchase in imported])
        self._tell_where(system, admin)
        for customer in customers[:1]:
            self._tell_what_to_try(system, customer)
        if found != expected.rows():
            raise CommandError("Some numbers are not as expected.")
        if sys.stdin.isatty():
            self.stdout.write("m stops and starts the mail server. Ctrl-C stops everything.")
            system.serve(self.stdout.write)

    def _started(self, system: System) -> Shopper:
        self.stdout.write("Starting Valkey, web, relay, consumers, worker and a mail sink …")
        system.wait_until_ready()
        call_command("seed", verbosity=0)
        return Shopper(system.url, "admin@example.com", staff=True)

    def _break(self, parts: list[str], for_s: float, system: System, log: TextIO) -> None:
        customer = self._started(system)
        self.stdout.write("Starting examples/tangled, the same shop before carving …")
        faults = []
        with tangled.running(log) as before_carving:
            for part in parts:
                self.stdout.write(f"\nOrders in both shops; {part} will be down for {for_s:g} s …")
                found = Outage(part, for_s, system, before_carving, customer)
                found.run()
                self.stdout.write("\n".join(["", *found.table()]))
                faults += [f"{part}: {each}" for each in found.faults()]
        if faults:
            raise NotAsExpected(f"Not as expected: {'; '.join(faults)}.")
        self.stdout.write("\nNo order was lost, and everything that waited has arrived.")

    def _add_subscriber(self, orders: int, for_s: float, system: System, log: TextIO) -> None:
        customer = self._started(system)
        call_command("import_orders", str(settings.BASE_DIR / SAMPLE), limit=orders)
        with newcomer.deployment(system, log) as loyalty:
            joined = newcomer.join(loyalty, system, customer, for_s, self.stdout.write)
        self._tell_table(joined.expected, joined.found)
        if joined.found != joined.expected:
            raise CommandError("Some numbers are not as expected.")
        self.stdout.write("\nNothing of the shop was changed, and none of its processes restarted.")

    def _tell_numbers(self, expected: dict[str, int], found: dict[str, int]) -> None:
        self._tell_table(expected, found)
        time.sleep(2 * counters.FLUSH_EVERY_S)  # other processes send their counts once a second
        self.stdout.write(
            f"{'lookup requests made':28} {'':9} {sum(counters.lookups().values()):9}"
        )

    def _tell_table(self, expected: dict[str, int], found: dict[str, int]) -> None:
        self.stdout.write(f"\n{'':28} {'expected':>9} {'found':>9}")
        for name, number in expected.items():
            verdict = "ok" if found[name] == number else "WRONG"
            self.stdout.write(f"{name:28} {number:9} {found[name]:9}  {verdict}")

    def _tell_latency(self, admin: Shopper, by_rest: list[str], imported: list[str]) -> None:
        for name, emails in (("REST", by_rest), ("bulk import", imported)):
            if latencies := outcome.latencies_ms(admin, emails):
                p50, p99 = outcome.p50_p99(latencies)
                self.stdout.write(
                    f"commit to handler, {name:12} p50 {p50:6.0f} ms, p99 {p99:6.0f} ms"
                )

    def _tell_where(self, system: System, admin: Shopper) -> None:
        self.stdout.write(
            f"\nshop   {system.url}/\nAPI    {system.url}/api/\nadmin  {system.url}/admin/"
            f"   {admin.email}, password {admin.password}\nmail   {system.mail_dir}\n"
        )

    def _tell_what_to_try(self, system: System, customer: Shopper) -> None:
        number = customer.all("/api/orders/")[0]["number"]
        map_path, story_path = map(reverse, ("admin:carveout_map_changelist", STORIES))
        self.stdout.write(
            "Try this\n"
            f"- Order something: sign in as {customer.email}, password {customer.password}.\n"
            f"- Look at an order: {system.url}/orders/{number}/\n"
            f"- Look at what happened after it: {system.url}{story_path}?q={number}\n"
            f"- See who depends on whom: {system.url}{map_path}\n"
        )


def chosen(parts: str) -> list[str]:
    """The parts to stop, in turn. Raises: CommandError: there is no such part."""
    names = PARTS if parts == "all" else [each.strip() for each in parts.split(",") if each.strip()]
    for name in names:
        if name not in PARTS:
            raise CommandError(f"--break {name!r}: {suggest(name, PARTS)}")
    return names


def start_apart() -> None:
    """Starts this command again with a new state directory of its own."""
    folder = Path(settings.STATE_DIR) / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder.with_suffix(".lock"), os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CommandError(f"A demonstration is running already, in {folder}.") from error
    os.set_inheritable(lock, True)
    shutil.rmtree(folder)
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    environment |= {
        "CARVEOUT_DIR": str(folder),
        IN_DEMO: "1",
        "THROTTLE_USER": "",
        "THROTTLE_SIGN_IN": "",
    }
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606 - ourselves


def order_by_rest(url: str, purchases: Sequence[Purchase]) -> list[Shopper]:
    """Each of the file's customers signs up and orders. Returns: the customers."""
    shoppers: dict[int, Shopper] = {}
    for purchase in tqdm(purchases, "by REST"):
        if purchase.customer not in shoppers:
            email = f"rest-{purchase.customer}@example.com"
            shoppers[purchase.customer] = Shopper(url, email)
        counts = Counter(purchase.skus())
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in counts.items()]
        order = {"lines": lines, "phone": purchase.phone}
        shoppers[purchase.customer].post("/api/orders/", order)
    return list(shoppers.values())


def wait_for(expected: dict[str, int], system: System, admin: Shopper) -> dict[str, int]:
    """Waits until all numbers are reached, or none has changed for long. Returns: the numbers."""
    found = outcome.found(admin, system.mail_dir)
    news_at = time.monotonic()
    with tqdm(total=sum(expected.values()), desc="arriving", unit="") as bar:
        while found != expected and time.monotonic() - news_at < PATIENCE_S:
            system.check()
            time.sleep(0.5)
            now = outcome.found(admin, system.mail_dir)
            if now != found:
                news_at = time.monotonic()
            found = now
            bar.update(sum(found.values()) - bar.n)
    return found
