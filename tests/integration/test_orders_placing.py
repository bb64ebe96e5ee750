"""Placing an order: what is stored, what is announced, what is refused."""

from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

import carveout
from carveout.errors import LookupUnavailable
from carveout.testing import capture_events
from orders import services
from orders.errors import InvalidOrder, KeyReused
from orders.events import OrderCreated
from orders.lines import MAX_LINES, WantedLine
from orders.lookups import ProductToBuy
from orders.models import Order, OrderLine

ONE_CD = [WantedLine("CD-01", 1)]


@pytest.fixture(autouse=True)
def catalogue(db):
    call_command("seed", verbosity=0)


def place(lines=ONE_CD, **options):
    return services.place_order("7", "ada@example.com", lines, **options)


def test_an_order_keeps_name_and_price_as_bought():
    product = carveout.look_up(ProductToBuy, "CD-02")
    order, is_new = place([WantedLine("CD-02", 3)], phone="+44 123456")
    line = order.lines.get()
    assert is_new
    assert (line.sku, line.name, line.price, line.quantity) == (
        "CD-02",
        product.name,
        product.price,
        3,
    )
    assert (order.total, order.status, order.phone) == (3 * product.price, "placed", "+44 123456")


def test_an_order_is_announced_with_its_number_only():
    with capture_events() as events:
        order, _ = place()
    assert events == [OrderCreated(order_number=order.number)]


def test_the_same_product_twice_becomes_one_line():
    order, _ = place([WantedLine("CD-01", 1), WantedLine("CD-01", 2)])
    assert order.lines.get().quantity == 3


def test_one_product_at_two_prices_stays_two_lines():
    paid = [WantedLine("CD-01", 1, Decimal("1.01")), WantedLine("CD-01", 1, Decimal("1.00"))]
    order, _ = place(paid)
    assert order.lines.count() == 2
    assert order.total == Decimal("2.01")


def test_more_than_is_available_is_taken_too():
    products = {"CD-01": ProductToBuy(sku="CD-01", name="Rare", price=Decimal(9), available=0)}
    order, is_new = place(products=products)
    assert is_new
    assert order.status == "placed"


def test_numbers_are_short_and_differ():
    numbers = {place()[0].number for _ in range(20)}
    assert len(numbers) == 20
    assert all(number.startswith("A-") and len(number) == 12 for number in numbers)


REFUSED = {
    "no lines": ([], "at least one line"),
    "quantity 0": ([WantedLine("CD-01", 0)], "between 1 and 100"),
    "quantity -1": ([WantedLine("CD-01", -1)], "between 1 and 100"),
    "quantity 10^9": ([WantedLine("CD-01", 10**9)], "between 1 and 100"),
    "100 spread over lines": ([WantedLine("CD-01", 60), WantedLine("CD-01", 60)], "1 and 100"),
    "unknown product": ([WantedLine("CD-01", 1), WantedLine("CD-99", 1)], "Unknown product"),
    "too many lines": ([WantedLine("CD-01", 1)] * (MAX_LINES + 1), "at most 50 lines"),
}


@pytest.mark.parametrize(("lines", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_can_not_be_an_order_is_refused_and_nothing_written(lines, reason):
    with capture_events() as events, pytest.raises(InvalidOrder, match=reason):
        place(lines)
    assert events == []
    assert not Order.objects.exists()


def test_reasons_stand_at_the_line_that_is_wrong():
    with pytest.raises(InvalidOrder) as refused:
        place([WantedLine("CD-01", 1), WantedLine("CD-99", 1)])
    assert refused.value.errors == {"lines": [{}, {"sku": ["Unknown product."]}]}


def test_an_order_without_an_address_is_refused():
    with pytest.raises(InvalidOrder) as refused:
        services.place_order("7", "", ONE_CD)
    assert "email" in refused.value.errors


def test_a_shop_that_does_not_answer_leaves_nothing_written(monkeypatch):
    def unavailable(*_):
        raise LookupUnavailable

    monkeypatch.setattr(carveout, "look_up_many", unavailable)
    with pytest.raises(LookupUnavailable):
        place()
    assert not Order.objects.exists()


def test_products_are_looked_up_outside_any_transaction(transactional_db, monkeypatch):
    look_up_many, in_transaction = carveout.look_up_many, []

    def watched(*arguments):
        in_transaction.append(transaction.get_connection().in_atomic_block)
        return look_up_many(*arguments)

    call_command("seed", verbosity=0)
    monkeypatch.setattr(carveout, "look_up_many", watched)
    place()
    assert in_transaction == [False]


def test_a_failure_after_the_order_row_takes_all_of_it_back(monkeypatch):
    def broken(event):
        raise RuntimeError("disk full")

    monkeypatch.setattr(carveout, "publish", broken)
    with pytest.raises(RuntimeError, match="disk full"):
        place()
    assert not Order.objects.exists()
    assert not OrderLine.objects.exists()


def test_the_same_key_gives_the_same_order():
    first, _ = place(idempotency_key="k")
    with capture_events() as events:
        second, is_new = place(idempotency_key="k")
    assert (second.number, is_new, events) == (first.number, False, [])


def test_a_repeated_request_needs_no_lookup(monkeypatch):
    first, _ = place(idempotency_key="k")
    monkeypatch.setattr(carveout, "look_up_many", None)
    assert place(idempotency_key="k")[0] == first


def test_a_key_used_for_other_things_is_refused():
    place(idempotency_key="k")
    with pytest.raises(KeyReused):
        place([WantedLine("CD-01", 2)], idempotency_key="k")
    with pytest.raises(KeyReused):
        place(phone="+44 123456", idempotency_key="k")
    assert Order.objects.count() == 1


def test_another_customer_may_use_the_same_key():
    first, _ = place(idempotency_key="k")
    other, is_new = services.place_order("8", "bob@example.com", ONE_CD, idempotency_key="k")
    assert is_new
    assert other.number != first.number


def test_the_same_key_at_the_same_time_places_one_order(monkeypatch):
    """The rival stores its order after we looked for an earlier one and before we store ours."""
    look_up_many, rival = carveout.look_up_many, []

    def slow(*arguments):
        products = look_up_many(*arguments)
        if not rival:
            rival.append(None)
            rival[0], _ = place(idempotency_key="k")
        return products

    monkeypatch.setattr(carveout, "look_up_many", slow)
    with capture_events() as events:
        order, is_new = place(idempotency_key="k")
    assert (order, is_new) == (rival[0], False)
    assert Order.objects.count() == 1
    assert len(events) == 1


@pytest.mark.parametrize("wrong", [{"quantity": 0}, {"price": -1}])
def test_the_database_refuses_lines_that_make_no_sense(wrong):
    order, _ = place()
    line = {"sku": "CD-01", "name": "x", "price": 1, "quantity": 1} | wrong
    with pytest.raises(IntegrityError), transaction.atomic():
        OrderLine.objects.create(order=order, **line)
