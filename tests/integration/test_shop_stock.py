"""Stock is reserved for a whole order or not at all, once, and given back on cancellation."""

import pytest
from django.core.management import call_command
from django.db import router, transaction
from rest_framework_simplejwt.tokens import AccessToken

from carveout.errors import NotInTransaction
from carveout.testing import capture_events
from shop.catalogue import services
from shop.catalogue.lookups import Line, OrderToReserve
from shop.catalogue.models import Product, Reservation, StockDecision

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf():
    """Five of CD-A, one of CD-B."""
    for sku, stock in (("CD-A", 5), ("CD-B", 1)):
        Product.objects.create(sku=sku, name=sku, price="9.99", stock=stock)


def order(number, *lines):
    return OrderToReserve(
        number=number, customer_id="7", lines=[Line(sku=sku, quantity=n) for sku, n in lines]
    )


def run(service, *orders):
    """Call a service for each order, in a transaction as the consumer does."""
    with transaction.atomic(using=router.db_for_write(Product)):
        return [service(each) for each in orders]


def stock():
    return dict(Product.objects.values_list("sku", "stock"))


def published(events):
    return [(type(event).__name__, event.order_number) for event in events]


def test_an_order_is_reserved_and_announced(shelf):
    with capture_events() as events:
        [decision] = run(services.reserve, order("A-1", ("CD-A", 2), ("CD-B", 1)))
    assert decision.outcome == "reserved"
    assert stock() == {"CD-A": 3, "CD-B": 0}
    assert Reservation.objects.filter(decision=decision).count() == 2
    assert published(events) == [("StockReserved", "A-1")]


def test_nothing_is_reserved_when_one_line_is_short(shelf):
    with capture_events() as events:
        [decision] = run(services.reserve, order("A-1", ("CD-A", 1), ("CD-B", 2)))
    assert decision.outcome == "short"
    assert decision.shortage == "CD-B: 2 wanted, 1 left"
    assert stock() == {"CD-A": 5, "CD-B": 1}
    assert not Reservation.objects.exists()
    assert published(events) == [("StockShort", "A-1")]


def test_an_unknown_product_is_short(shelf):
    [decision] = run(services.reserve, order("A-1", ("CD-A", 1), ("CD-X", 1)))
    assert decision.outcome == "short"
    assert stock()["CD-A"] == 5


def test_two_lines_of_one_product_count_together(shelf):
    [first, second] = run(
        services.reserve,
        order("A-1", ("CD-A", 2), ("CD-A", 3)),
        order("A-2", ("CD-A", 1)),
    )
    assert (first.outcome, second.outcome) == ("reserved", "short")
    assert stock()["CD-A"] == 0


def test_two_orders_for_the_last_one(shelf):
    with capture_events() as events:
        run(services.reserve, order("A-1", ("CD-B", 1)), order("A-2", ("CD-B", 1)))
    assert published(events) == [("StockReserved", "A-1"), ("StockShort", "A-2")]
    assert stock()["CD-B"] == 0


def test_an_order_is_decided_once(shelf):
    with capture_events() as events:
        run(services.reserve, *[order("A-1", ("CD-A", 2))] * 2)
    assert stock()["CD-A"] == 3
    assert len(events) == 1


def test_a_cancelled_order_gives_everything_back_once(shelf):
    placed = order("A-1", ("CD-A", 2), ("CD-B", 1))
    run(services.reserve, placed)
    run(services.release, placed, placed)
    assert stock() == {"CD-A": 5, "CD-B": 1}
    decision = StockDecision.objects.get()
    assert decision.outcome == "released"
    assert decision.released_at


def test_releasing_a_short_order_adds_no_stock(shelf):
    placed = order("A-1", ("CD-B", 2))
    run(services.reserve, placed)
    run(services.release, placed)
    assert stock()["CD-B"] == 1
    assert StockDecision.objects.get().outcome == "short"


def test_an_order_cancelled_before_it_was_decided_reserves_nothing(shelf):
    placed = order("A-1", ("CD-A", 2))
    run(services.release, placed)
    run(services.reserve, placed)
    assert stock()["CD-A"] == 5
    assert StockDecision.objects.get().outcome == "released"


@pytest.mark.django_db(transaction=True)
def test_reserving_outside_a_transaction_is_refused(shelf):
    with pytest.raises((NotInTransaction, transaction.TransactionManagementError)):
        services.reserve(order("A-1", ("CD-A", 2)))
    assert stock()["CD-A"] == 5


def test_seeding_twice_changes_nothing(capsys):
    call_command("seed")
    Product.objects.filter(sku="CD-01").update(stock=3)
    before = list(Product.objects.values())
    call_command("seed")
    assert list(Product.objects.values()) == before
    assert len(before) == 24
    assert capsys.readouterr().out.splitlines()[1] == "0 products added, 24 on sale."


@pytest.mark.django_db(transaction=True)
def test_an_order_by_rest_is_reserved_and_its_cancellation_released(client, shelf, settings):
    settings.CARVEOUT = {**settings.CARVEOUT, "DELIVERY": "inline"}
    token = AccessToken()
    token["user_id"], token["email"] = "7", "ann@example.com"
    request = {"headers": {"authorization": f"Bearer {token}"}, "content_type": "application/json"}
    lines = {"lines": [{"sku": "CD-A", "quantity": 2}]}
    number = client.post("/api/orders/", lines, **request).json()["number"]
    assert stock()["CD-A"] == 3
    assert StockDecision.objects.get().order_number == number
    client.post(f"/api/orders/{number}/cancel/", **request)
    assert stock()["CD-A"] == 5
    assert StockDecision.objects.get().outcome == "released"
