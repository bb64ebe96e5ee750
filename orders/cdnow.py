"""The CDNOW files: one row is one order. data/README.md says how CDs become products."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from .lines import MAX_QUANTITY, WantedLine

PRODUCTS = 24
SKUS = [f"CD-{k:02d}" for k in range(1, PRODUCTS + 1)]
MAX_PAID = 100_000


class Purchase(NamedTuple):
    """One row of the file."""

    line_number: int
    customer: int
    date: int  # YYYYMMDD
    cds: int
    paid: Decimal

    @property
    def customer_id(self) -> str:
        return f"cdnow-{self.customer:05d}"

    @property
    def email(self) -> str:
        return f"{self.customer_id}@example.com"

    @property
    def phone(self) -> str:
        return invented_phone(self.customer)

    @property
    def import_key(self) -> str:
        """A key that is the same for the same row in every run, whatever its column layout."""
        return hashlib.sha256(" ".join(map(str, self)).encode()).hexdigest()

    def skus(self) -> list[str]:
        """The product of each CD."""
        return [SKUS[(self.customer + self.date + 7 * n) % PRODUCTS] for n in range(self.cds)]

    def wanted_lines(self) -> list[WantedLine]:
        """The CDs with what was paid for each: in cents, the remainder over the first ones."""
        cents, remainder = divmod(int(self.paid * 100), self.cds)
        quantity = {}
        for n, sku in enumerate(self.skus()):
            price = Decimal(cents + (n < remainder)) / 100
            quantity[sku, price] = quantity.get((sku, price), 0) + 1
        return [WantedLine(sku, count, price) for (sku, price), count in quantity.items()]


def invented_phone(number: int) -> str:
    """A phone number for every third customer or order; the others have none."""
    return f"+1555{number:07d}" if number % 3 == 0 else ""


class BadLine(NamedTuple):
    """A line that is not a purchase, and the reason."""

    line_number: int
    reason: str


class Expected(NamedTuple):
    """What the shop holds after the purchases of a file were placed as orders."""

    orders: int
    customer_products: int  # distinct pairs: each makes one verified customer
    cds: int
    value: Decimal


def expected(path: Path, limit: int | None = None) -> Expected:
    """Count a file's first purchases, without placing them."""
    purchases = list(islice(read(path), limit))
    pairs = {(purchase.customer, sku) for purchase in purchases for sku in purchase.skus()}
    cds = sum(purchase.cds for purchase in purchases)
    return Expected(len(purchases), len(pairs), cds, sum(p.paid for p in purchases))


def read(path: Path) -> Iterator[Purchase]:
    """The purchases of a file in order, without the lines that are not purchases."""
    return (row for row in rows(path) if isinstance(row, Purchase))


def rows(path: Path) -> Iterator[Purchase | BadLine]:
    """Every line of a file, except its header and blank lines."""
    with path.open(encoding="ascii", errors="replace") as lines:
        for line_number, line in enumerate(lines, 1):
            columns = line.split()
            if columns and columns[0] != "customer_id":
                yield parsed(line_number, columns)


def parsed(line_number: int, columns: list[str]) -> Purchase | BadLine:
    if len(columns) not in (4, 5):
        return BadLine(line_number, f"{len(columns)} columns instead of 4 or 5")
    customer, date, cds, paid = columns[0], *columns[-3:]
    reason = (
        wrong_number("customer", customer, 10**9)
        or wrong_date(date)
        or wrong_number("number of CDs", cds, MAX_QUANTITY)
        or wrong_amount(paid)
    )
    if reason:
        return BadLine(line_number, reason)
    return Purchase(line_number, int(customer), int(date), int(cds), Decimal(paid))


def wrong_number(name: str, text: str, most: int) -> str:
    if text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most:
        return ""
    return f"{name} is {text!r}, not a whole number from 1 to {most}"


def wrong_date(text: str) -> str:
    try:
        well_formed = datetime.strptime(text, "%Y%m%d").strftime("%Y%m%d") == text
    except ValueError:
        well_formed = False
    return "" if well_formed else f"date is {text!r}, not YYYYMMDD"


def wrong_amount(text: str) -> str:
    try:
        amount = Decimal(text)
        well_formed = 0 <= amount <= MAX_PAID and amount == round(amount, 2)
    except InvalidOperation:
        well_formed = False
    return "" if well_formed else f"value is {text!r}, not dollars and cents up to {MAX_PAID}"
