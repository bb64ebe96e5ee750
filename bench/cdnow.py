"""python -m bench.cdnow [FILE] [--limit N]

The purchases of a CDNOW file through the whole reference project, as fast as one import places
them. PostgreSQL, whose commits wait for the disk, Valkey, a relay, one consumer per context, a job
worker and a mail server are real.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from bench import cpu, mail, servers
from bench.side import Side
from tests.copies import CONTEXTS, ROOT
from tests.servers import free_port
from tests.systems import SAMPLE, Deployment

PATIENCE_S = 120.0
"""Without any news for so long, it has failed."""
LOOK_EVERY_S = 1.0
COUNTS = {
    "placed": "SELECT count(*) FROM orders_order",
    "verified": "SELECT count(*) FROM reviews_verifiedcustomer",
    "sent": "SELECT count(*) FROM notifications_notification "
    "WHERE channel = 'email' AND status = 'sent'",
    "reserved": "SELECT count(*) FROM orders_order WHERE status = 'reserved'",
}
BADGES = "SELECT customer_id, sku FROM reviews_verifiedcustomer"
TITLES = {
    "placed": "orders placed",
    "verified": "customers verified for products",
    "sent": "e-mails sent",
    "reserved": "stock reserved, and orders updated",
}


@dataclass
class Used:
    """CPU seconds and the most memory that a tree of processes had."""

    pid: int
    cpu_before_s: float = 0.0
    cpu_s: float = 0.0
    memory_mib: float = 0.0

    def look(self) -> None:
        self.cpu_s = cpu.of_trees([self.pid]) - self.cpu_before_s
        self.memory_mib = max(self.memory_mib, cpu.memory_mib([self.pid]))


class Run:
    """One import into a deployment whose workers run."""

    def __init__(self, deployment: Deployment, expected: dict[str, int]) -> None:
        self.deployment, self.expected = deployment, expected
        self.reached_s: dict[str, float] = {}
        postgres, valkey = cpu.servers()
        workers = {process.name.replace("-", " "): process.pid for process in deployment.workers}
        pids = {**workers, "PostgreSQL": postgres, "Valkey": valkey}
        self.used = {name: Used(pid, cpu.of_trees([pid])) for name, pid in pids.items()}

    def import_and_wait(self, file: Path, orders: int) -> None:
        """Raises: AssertionError: not everything came; what is missing is in the message."""
        command = ("import_orders", str(file), "--limit", str(orders))
        importing = self.deployment.process("import", *command)
        started_at = news_at = time.monotonic()
        importing.start()
        self.used = {"import": Used(importing.pid), **self.used}
        found: dict[str, int] = {}
        with tqdm(total=sum(self.expected.values()), unit="", desc="arrived") as bar:
            while len(self.reached_s) < len(self.expected):
                time.sleep(LOOK_EVERY_S)
                before, found = found, self._found()
                now = time.monotonic()
                news_at = now if found != before else news_at
                assert now - news_at < PATIENCE_S, f"{self.expected} expected, {found} found"
                self._note(found, now - started_at)
                bar.update(sum(found.values()) - bar.n)
        importing.wait()
        done = f"{orders} orders imported, 0 imported before, 0 bad lines"
        assert done in importing.printed(), importing.tail()

    def _note(self, found: dict[str, int], at_s: float) -> None:
        for name, count in found.items():
            if count == self.expected[name]:
                self.reached_s.setdefault(name, at_s)
        # The import may have ended: until it is waited for, the system keeps its CPU time.
        for used in self.used.values():
            used.look()
        for process in self.deployment.workers:
            assert process.running, process.tail()

    def _found(self) -> dict[str, int]:
        return {name: self.deployment.rows(sql)[0][0] for name, sql in COUNTS.items()}

    def print(self) -> None:
        """Tables in Markdown."""
        orders = self.expected["placed"]
        print(f"\n| {orders:,} purchases | how many | after | orders/s |\n|---|---|---|---|")
        for name, seconds in sorted(self.reached_s.items(), key=lambda item: item[1]):
            count = self.expected[name]
            print(f"| {TITLES[name]} | {count:,} | {seconds:,.0f} s | {orders / seconds:,.0f} |")
        print("\n| process | CPU s | CPU ms per order | memory, at most |\n|---|---|---|---|")
        for name, used in self.used.items():
            self._print_used(name, used.cpu_s, f"{used.memory_mib:,.0f} MiB")
        self._print_used("all", sum(used.cpu_s for used in self.used.values()), "")

    def _print_used(self, name: str, cpu_s: float, memory: str) -> None:
        per_order_ms = cpu_s / self.expected["placed"] * 1000
        print(f"| {name} | {cpu_s:,.1f} | {per_order_ms:.2f} | {memory} |")


def main() -> None:
    os.environ.pop("CONTEXTS", None)
    arguments = _arguments()
    orders, badges = counted(arguments.file, arguments.limit)
    expected = dict.fromkeys(TITLES, orders) | {"verified": len(badges)}
    with tempfile.TemporaryDirectory() as folder, _deployment(Path(folder)) as (deployment, mails):
        run = Run(deployment, expected)
        run.import_and_wait(arguments.file.resolve(), orders)
        found = set(deployment.rows(BADGES))
        taken = mails.call("taken")
    run.print()
    if found != badges:
        sys.exit("Verified customers are not those of the file.")
    if taken != orders:
        sys.exit(f"The mail server took {taken} messages for {orders} orders.")


def counted(file: Path, limit: int | None) -> tuple[int, set[tuple[str, str]]]:
    """How many purchases a file begins with, and the badges that they lead to.

    Counted by the rule in orders/data/README.md, and not by the code under measurement.
    """
    badges = set()
    orders = 0
    with file.open() as lines:
        purchases = (line.split() for line in lines if not line.lstrip().startswith("c"))
        for customer, *_, date, cds, _paid in islice(purchases, limit):
            orders += 1
            for n in range(int(cds)):
                product = (int(customer) + int(date) + 7 * n) % 24 + 1
                badges.add((f"cdnow-{customer}", f"CD-{product:02}"))
    return orders, badges


@contextmanager
def _deployment(folder: Path) -> Iterator[tuple[Deployment, Side]]:
    """Migrated and seeded, with workers that have begun, and its mail server; no web is needed."""
    with servers.started() as (postgres_url, redis_url), mail.running() as (mails, mail_env):
        env = {"REDIS_URL": redis_url, "DATABASE_URL": servers.new_database(postgres_url)}
        os.environ.update(env)
        env |= mail_env | {
            "CONTEXTS": ",".join(CONTEXTS),
            "DEBUG": "0",
            "SECRET_KEY": "for measurements only",
        }
        deployment = Deployment(ROOT, CONTEXTS, folder, free_port(), env, forked=False)
        deployment.manage("migrate", "--no-input", "--verbosity", "0")
        deployment.manage("seed")
        try:
            deployment.start_workers()
            yield deployment, mails
        finally:
            deployment.end()
            servers.drop_database(env["DATABASE_URL"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench.cdnow", description=__doc__.splitlines()[2])
    parser.add_argument("file", type=Path, nargs="?", default=ROOT / SAMPLE)
    parser.add_argument("--limit", type=int, metavar="N", help="the first N purchases only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
