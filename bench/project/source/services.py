"""Taking orders. Peers use it too, so there is nothing of the kit here."""

import uuid

from source.models import Order, OrderLine


def new_order(number: str = "") -> Order:
    return Order.objects.create(
        number=number or uuid.uuid4().hex[:16], customer_id="7", email="a@example.com", total=10
    )


def order_with_line(number: str = "") -> Order:
    order = new_order(number)
    OrderLine.objects.create(order=order, sku="CD-01", name="One", price=10, quantity=1)
    return order
