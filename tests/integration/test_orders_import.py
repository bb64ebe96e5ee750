"""The import of CDNOW purchases, against a count made here by other means."""

from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db.models import F, Sum

import carveout
from carveout.errors import LookupUnavailable
from carveout.testing import capture_events
from orders import cdnow
from orders.models import Order, OrderLine

SAMPLE = Path(settings.BASE_DIR) / "orders" / "data" / "cdnow_sample.txt"
LIMIT = 300


@pytest.fixture
def catalogue(db):
    call_command("seed", verbosity=0)


def run(file, **options) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("import_orders", str(file), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def written(tmp_path, *lines: str) -> Path:
    path = tmp_path / "purchases.txt"
    path.write_bytes("\r\n".join(lines).encode() + b"\r\n")
    return path


def counted(path: Path, limit: int | None = None) -> tuple:
    """Orders, distinct customers' products, CDs and cents: the rule written a second time."""
    orders, pairs, cds, cents = 0, set(), 0, 0
    for line in path.read_text().splitlines()[:limit]:
        customer, _, date, count, dollars = line.split()
        orders, cds = orders + 1, cds + int(count)
        cents += int(dollars.replace(".", ""))
        number = (int(customer) + int(date)) % 24
        for _ in range(int(count)):
            pairs.add((int(customer), number + 1))
            number = (number + 7) % 24
    return orders, len(pairs), cds, cents


def stored() -> tuple:
    lines = OrderLine.objects.all()
    pairs = lines.values_list("order__customer_id", "sku").distinct()
    cds = lines.aggregate(n=Sum("quantity"))["n"]
    paid = sum(line.amount for line in lines)
    return Order.objects.count(), len(set(pairs)), cds, int(paid * 100)


def test_the_expected_numbers_of_the_sample_agree_with_another_count():
    expected = cdnow.expected(SAMPLE)
    assert expected.orders == 6919
    assert (
        expected.orders,
        expected.customer_products,
        expected.cds,
        int(expected.value * 100),
    ) == counted(SAMPLE)


def test_every_purchase_of_the_sample_is_spread_to_the_cent():
    for purchase in cdnow.read(SAMPLE):
        lines = purchase.wanted_lines()
        assert sum(line.price * line.quantity for line in lines) == purchase.paid
        assert sum(line.quantity for line in lines) == purchase.cds
        assert len({(line.sku, line.price) for line in lines}) == len(lines)


def test_the_import_stores_what_the_file_holds(catalogue):
    with capture_events() as events:
        out, _ = run(SAMPLE, limit=LIMIT)
    assert out == f"{LIMIT} orders imported, 0 imported before, 0 bad lines skipped\n"
    assert stored() == counted(SAMPLE, LIMIT)
    assert len(events) == LIMIT
    totals = Order.objects.annotate(paid=Sum(F("lines__price") * F("lines__quantity")))
    assert all(order.total == order.paid for order in totals)


def test_a_second_run_adds_nothing(catalogue):
    run(SAMPLE, limit=50)
    out, _ = run(SAMPLE, limit=50)
    assert out.startswith("0 orders imported, 50 imported before")
    assert Order.objects.count() == 50


def test_a_stopped_import_goes_on_where_it_was(catalogue):
    run(SAMPLE, limit=20)
    out, _ = run(SAMPLE, limit=50)
    assert out.startswith("30 orders imported, 20 imported before")
    assert stored() == counted(SAMPLE, 50)


def test_equal_lines_are_separate_orders(catalogue, tmp_path):
    line = " 00004 0001 19970101  2   29.33"
    run(written(tmp_path, line, line))
    assert Order.objects.count() == 2


def test_the_masters_columns_give_the_same_orders(catalogue, tmp_path):
    path = written(
        tmp_path, " customer_id  date number_of_cds  dollar_value", " 00004 19970101  2   29.33"
    )
    run(path)
    order = Order.objects.get()
    assert (order.customer_id, order.email) == ("cdnow-00004", "cdnow-00004@example.com")
    # (4 + 19970101) % 24 = 17, and 7 further 0: products 18 and 1; the odd cent is on the first.
    assert list(order.lines.values_list("sku", "quantity", "price")) == [
        ("CD-18", 1, Decimal("14.67")),
        ("CD-01", 1, Decimal("14.66")),
    ]


def test_more_cds_than_products_are_merged(catalogue, tmp_path):
    run(written(tmp_path, "4 19970101 25 0.26"))
    lines = OrderLine.objects.filter(sku="CD-18").values_list("quantity", "price")
    assert sorted(lines) == [(1, Decimal("0.01")), (1, Decimal("0.02"))]
    assert Order.objects.get().total == Decimal("0.26")


def test_a_free_purchase_is_an_order_too(catalogue, tmp_path):
    run(written(tmp_path, "4 19970101 25 0.00"))
    assert Order.objects.get().total == 0
    assert OrderLine.objects.get(sku="CD-18").quantity == 2


BAD_LINES = {
    "4 19970101 2": "3 columns",
    "x 19970101 2 29.33": "customer is 'x'",
    "0 19970101 2 29.33": "customer is '0'",
    "4 19970230 2 29.33": "date is '19970230'",
    "4 1997011 2 29.33": "date is '1997011'",
    "4 19970101 0 29.33": "number of CDs is '0'",
    "4 19970101 101 29.33": "number of CDs is '101'",
    "4 19970101 -1 29.33": "number of CDs is '-1'",
    "4 19970101 2.5 29.33": "number of CDs is '2.5'",
    "4 19970101 2 -0.01": "value is '-0.01'",
    "4 19970101 2 1.001": "value is '1.001'",
    "4 19970101 2 NaN": "value is 'NaN'",
    "4 19970101 2 1e99": "value is '1e99'",
    "4 19970101 2 free": "value is 'free'",
    "4 19970101 2 29.33 \u00e9 z": "6 columns",
}


def test_bad_lines_are_reported_by_number_and_skipped(catalogue, tmp_path):
    good = "4 19970101 2 29.33"
    out, err = run(written(tmp_path, good, *BAD_LINES, "", good))
    assert out.startswith(f"2 orders imported, 0 imported before, {len(BAD_LINES)} bad")
    reports = [line for line in err.splitlines() if line.startswith("line ")]
    assert len(reports) == len(BAD_LINES)
    for number, (report, reason) in enumerate(zip(reports, BAD_LINES.values(), strict=True), 2):
        assert report.startswith(f"line {number}: {reason}")
    assert Order.objects.count() == 2


def test_a_limit_counts_good_lines(catalogue, tmp_path):
    path = written(tmp_path, "bad", "4 19970101 1 1.00", "bad", "5 19970101 1 1.00")
    run(path, limit=1)
    assert Order.objects.get().customer_id == "cdnow-00004"


def test_an_import_without_a_file_or_a_catalogue_says_so(db, tmp_path):
    with pytest.raises(CommandError, match="no such file"):
        run(tmp_path / "missing.txt")
    with pytest.raises(CommandError, match="lacks CD-01"):
        run(SAMPLE)


def test_an_import_without_the_shop_says_so(db, monkeypatch):
    def unavailable(*_):
        raise LookupUnavailable

    monkeypatch.setattr(carveout, "look_up_many", unavailable)
    with pytest.raises(CommandError, match="can't be asked"):
        run(SAMPLE)
    assert not Order.objects.exists()
