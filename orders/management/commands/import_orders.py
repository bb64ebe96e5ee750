"""manage.py import_orders FILE"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

import carveout
from carveout.errors import LookupUnavailable
from orders import cdnow
from orders.cdnow import BadLine, Purchase
from orders.errors import OrderError
from orders.lookups import ProductToBuy
from orders.models import Order
from orders.services import place_order

BATCH_ROWS = 500


class Command(BaseCommand):
    """Places the purchases of a CDNOW file as orders.

    CD n (0, 1, 2 …) of a purchase by customer c on date d (YYYYMMDD) becomes product number
    ((c + d + 7 * n) % 24) + 1, sku CD-01 to CD-24. The value paid is spread over the CDs in cents.

    May be stopped and run again: it skips what was imported before. It reports bad lines by number
    and skips them.
    """

    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, help="the sample's 5 columns, or the master's 4")
        parser.add_argument("--limit", type=int, metavar="N", help="the first N purchases only")
        parser.add_argument(
            "--phones", action="store_true", help="every third customer left an invented number"
        )

    def handle(self, file, limit, phones, **options):
        if limit is not None and limit < 0:
            raise CommandError("--limit must be 0 or more")
        if not file.is_file():
            raise CommandError(f"{file}: no such file")
        self.products, self.phones = looked_up_products(), phones
        self.imported = self.known = self.bad = 0
        for batch in batches(self.purchases(file, limit), BATCH_ROWS):
            self.place(batch)
        self.stdout.write(
            f"{self.imported} orders imported, {self.known} imported before, "
            f"{self.bad} bad lines skipped"
        )

    def purchases(self, file: Path, limit: int | None) -> Iterator[Purchase]:
        """The file's purchases. Reports bad lines as it reads them."""
        wanted = sum(1 for _ in islice(cdnow.read(file), limit))
        with tqdm(total=wanted, unit=" orders", disable=None) as self.bar:
            for row in cdnow.rows(file):
                if wanted == 0:
                    break
                if isinstance(row, BadLine):
                    self.report(row)
                    continue
                wanted -= 1
                yield row

    def place(self, batch: list[Purchase]) -> None:
        keys = [purchase.import_key for purchase in batch]
        stored = Order.objects.filter(import_key__in=keys)
        before = set(stored.values_list("import_key", flat=True))
        for purchase, key in zip(batch, keys, strict=True):
            if key in before:
                self.known += 1
            else:
                self.place_one(purchase, key)
            self.bar.update()

    def place_one(self, purchase: Purchase, key: str) -> None:
        try:
            place_order(
                purchase.customer_id,
                purchase.email,
                purchase.wanted_lines(),
                phone=purchase.phone if self.phones else "",
                import_key=key,
                products=self.products,
            )
            self.imported += 1
        except OrderError as error:
            self.report(BadLine(purchase.line_number, str(error)))

    def report(self, line: BadLine) -> None:
        self.bad += 1
        self.bar.clear()
        self.stderr.write(f"line {line.line_number}: {line.reason}")


def looked_up_products() -> dict[str, ProductToBuy]:
    """All products that a purchase can hold, looked up once for the whole file."""
    try:
        products = carveout.look_up_many(ProductToBuy, cdnow.SKUS)
    except LookupUnavailable as error:
        raise CommandError(f"The shop can't be asked about its products: {error}") from error
    if missing := [sku for sku in cdnow.SKUS if sku not in products]:
        raise CommandError(
            f"The shop lacks {', '.join(missing)}: run `manage.py seed` there first."
        )
    return products


def batches(rows: Iterator[Purchase], size: int) -> Iterator[list[Purchase]]:
    while batch := list(islice(rows, size)):
        yield batch
