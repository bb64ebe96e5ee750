"""What can be done with an order."""

import logging
from collections.abc import Mapping

from django.db import DatabaseError, transaction

import carveout
from catalogue.models import Product
from orders.errors import OutOfStock, StatusForbids
from orders.events import OrderCancelled, OrderPlaced, OrderShipped
from orders.models import Order, OrderLine, Status
from orders.signals import order_cancelled
from reviews import verification

logger = logging.getLogger(__name__)


def place_order(customer, quantities: Mapping[str, int], phone: str = "") -> Order:
    """Store an order, take its goods from the stock and announce it, all or nothing.

    Raises: OutOfStock: nothing was stored.
    """
    with transaction.atomic():
        order = Order.objects.create(customer=customer, email=customer.email, phone=phone)
        # In the order of their SKUs, so that two orders never wait for each other.
        lines = [take(order, sku, quantities[sku]) for sku in sorted(quantities)]
        order.total = sum(line.amount for line in lines)
        order.save(update_fields=["total"])
        try:
            verification.mark(order)
        except DatabaseError:
            # A badge is not worth an order.
            logger.exception("The products of order %s are not verified", order.number)
        carveout.publish(OrderPlaced(number=order.number))
    return order


def take(order: Order, sku: str, quantity: int) -> OrderLine:
    """Move pieces of a product from the stock into the order."""
    product = Product.objects.select_for_update().filter(sku=sku).first()
    if product is None or product.stock < quantity:
        raise OutOfStock(f"There are not {quantity} of {sku}.")
    product.stock -= quantity
    product.save()
    return order.lines.create(
        product=product, name=product.name, price=product.price, quantity=quantity
    )


def cancel_order(number: str, reason: str) -> Order:
    """Cancel an order and put its goods back. Cancelling it again changes nothing.

    Raises: StatusForbids: it was shipped.
    """
    with transaction.atomic():
        order = Order.objects.select_for_update().get(number=number)
        if order.status == Status.SHIPPED:
            raise StatusForbids(f"Order {number} was shipped and can't be cancelled any more.")
        if order.status == Status.CANCELLED:
            return order
        order.move_to(Status.CANCELLED, reason)
        for line in order.lines.all():
            put_back(line)
        carveout.publish(OrderCancelled(number=order.number))
    order_cancelled.send(sender=Order, order=order)
    return order


def put_back(line: OrderLine) -> None:
    product = Product.objects.select_for_update().get(pk=line.product_id)
    product.stock += line.quantity
    product.save()


def ship_order(number: str) -> Order:
    """Note that an order left the warehouse.

    Raises: StatusForbids: it did already, or was cancelled.
    """
    with transaction.atomic():
        order = Order.objects.select_for_update().get(number=number)
        if order.status != Status.PLACED:
            raise StatusForbids(f"Order {number} is {order.status} and can't be shipped.")
        order.move_to(Status.SHIPPED)
        carveout.publish(OrderShipped(number=order.number))
    return order
