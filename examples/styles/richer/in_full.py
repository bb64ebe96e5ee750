"""Event-carried state transfer: the row is stored as ever, and the event carries it."""

import carveout
from orders.models import Order, OrderLine, Status
from orders.services import insert, locked, transaction_of_orders

from .events import OrderCancelledInFull, OrderPlacedInFull


def place(order: Order, lines: list[OrderLine]) -> None:
    with transaction_of_orders():
        insert(order, lines)
        carveout.publish(OrderPlacedInFull(order_number=order.number))


def cancel(number: str, reason: str) -> None:
    with transaction_of_orders():
        locked(number).move_to(Status.CANCELLED, cancel_reason=reason)
        carveout.publish(OrderCancelledInFull(order_number=number))
