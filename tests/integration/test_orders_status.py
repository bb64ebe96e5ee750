"""What becomes of an order: reserved, shipped, cancelled, and what others can look up of it."""

from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

import carveout
from carveout.testing import capture_events
from orders import services, subscribers
from orders.errors import OrderNotFound, StatusForbids
from orders.events import OrderCancelled, OrderShipped
from orders.lines import WantedLine
from orders.lookups import OrderLookup
from orders.models import Order


@pytest.fixture
def order(db) -> Order:
    call_command("seed", verbosity=0)
    return services.place_order("7", "ada@example.com", [WantedLine("CD-01", 2)])[0]


def hear(event_type: str, number: str) -> None:
    subscribers.follow_stock(received(event_type, number))


def received(event_type: str, number: str) -> carveout.ReceivedEvent:
    return carveout.ReceivedEvent(
        id=uuid4(),
        type=event_type,
        context="shop",
        partition=0,
        position=1,
        key=number,
        time=timezone.now(),
        correlation_id="",
        causation_id="",
        data={"order_number": number},
    )


def test_reserved_stock_makes_the_order_reserved(order):
    hear("shop.StockReserved", order.number)
    order.refresh_from_db()
    assert order.status == "reserved"
    assert order.reserved_at


def test_short_stock_cancels_and_says_so(order):
    with capture_events() as events:
        hear("shop.StockShort", order.number)
    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "out of stock")
    assert events == [OrderCancelled(order_number=order.number)]


@pytest.mark.parametrize("event_type", ["shop.StockShort", "shop.StockReserved"])
def test_stock_news_after_the_customer_cancelled_change_nothing(order, event_type):
    services.cancel_order(order.number, "changed my mind")
    with capture_events() as events:
        hear(event_type, order.number)
    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "changed my mind")
    assert events == []


def test_stock_news_heard_twice_count_once(order):
    hear("shop.StockReserved", order.number)
    order.refresh_from_db()
    reserved_at = order.reserved_at
    hear("shop.StockReserved", order.number)
    order.refresh_from_db()
    assert order.reserved_at == reserved_at


def test_stock_news_of_an_unknown_order_fail_loudly(db):
    with pytest.raises(OrderNotFound):
        hear("shop.StockReserved", "A-NOWHERE")


def test_a_cancelled_order_is_announced_once(order):
    with capture_events() as events:
        services.cancel_order(order.number, "one")
        again = services.cancel_order(order.number, "two")
    assert events == [OrderCancelled(order_number=order.number)]
    assert again.cancel_reason == "one"


def test_a_reserved_order_ships(order):
    services.mark_reserved(order.number)
    with capture_events() as events:
        shipped = services.ship_order(order.number)
    assert shipped.status == "shipped"
    assert shipped.shipped_at
    assert events == [OrderShipped(order_number=order.number)]


def test_an_order_without_reserved_stock_does_not_ship(order):
    with pytest.raises(StatusForbids, match="not reserved yet"):
        services.ship_order(order.number)


def test_a_cancelled_order_does_not_ship(order):
    services.cancel_order(order.number, "no")
    with pytest.raises(StatusForbids, match="was cancelled"):
        services.ship_order(order.number)


def test_a_shipped_order_neither_ships_again_nor_is_cancelled(order):
    services.mark_reserved(order.number)
    services.ship_order(order.number)
    with capture_events() as events:
        with pytest.raises(StatusForbids, match="shipped already"):
            services.ship_order(order.number)
        with pytest.raises(StatusForbids, match="can't be cancelled"):
            services.cancel_order(order.number, "too late")
    assert events == []


def represented(numbers) -> list[dict]:
    found = OrderLookup.queryset.filter(number__in=numbers)
    return OrderLookup.serializer_class(found, many=True).data


def test_others_look_up_the_whole_order(order):
    line = order.lines.get()
    (found,) = represented([order.number])
    placed_at = found.pop("placed_at")
    assert placed_at.startswith(f"{order.placed_at:%Y-%m-%dT%H:%M}")
    assert found == {
        "number": order.number,
        "customer_id": "7",
        "email": "ada@example.com",
        "phone": "",
        "status": "placed",
        "cancel_reason": "",
        "total": str(order.total),
        "lines": [{"sku": "CD-01", "name": line.name, "quantity": 2, "price": str(line.price)}],
    }


def test_orders_are_looked_up_with_a_constant_number_of_queries(order, django_assert_num_queries):
    placed = [
        services.place_order("7", "ada@example.com", [WantedLine("CD-02", 1)])[0] for _ in range(5)
    ]
    with django_assert_num_queries(2):
        assert len(represented([order.number for order in placed])) == 5
