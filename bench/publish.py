"""publish_sqlite: an order with a line and its event, to the same order without the event."""

from django.db import transaction

import carveout
from bench.rounds import Result, compare
from orders.events import OrderCreated
from orders.models import Order, OrderLine


def measure(*, rounds: int, times: int) -> Result:
    return compare("publish_sqlite", with_event, without_event, rounds=rounds, times=times)


def without_event() -> None:
    with transaction.atomic():
        _store()


def with_event() -> None:
    """Wake-up included."""
    with transaction.atomic():
        order = _store()
        carveout.publish(OrderCreated(order_number=order.number))


def _store() -> Order:
    order = Order.objects.create(customer_id="bench", email="bench@example.com", total=10)
    OrderLine.objects.create(order=order, sku="CD-01", name="One", price=10, quantity=1)
    return order
