"""Event sourcing: no row is stored, an order is what its events make of it."""

import json
from functools import reduce
from typing import Any

import carveout
from carveout.models import LoggedEvent
from orders.models import Order, OrderLine
from orders.services import transaction_of_orders

from .events import OrderClosed, OrderOpened

State = dict[str, Any]


def place(order: Order, lines: list[OrderLine]) -> None:
    with transaction_of_orders():
        carveout.publish(
            OrderOpened(
                order_number=order.number,
                customer_id=order.customer_id,
                email=order.email,
                lines=[[x.sku, x.name, str(x.quantity), str(x.price)] for x in lines],
                total=sum(line.amount for line in lines),
            )
        )


def cancel(number: str, reason: str) -> None:
    with transaction_of_orders():
        if state_of(number)["status"] == "placed":
            carveout.publish(OrderClosed(order_number=number, reason=reason))


def state_of(number: str) -> State:
    """An order, from its events."""
    events = LoggedEvent.objects.filter(context="orders", key=number).order_by("id")
    return reduce(_after, events, {})


def _after(state: State, event: LoggedEvent) -> State:
    data = json.loads(event.data)
    match event.type:
        case "orders.OrderOpened":
            return data | {"status": "placed"}
        case "orders.OrderClosed":
            return state | {"status": "cancelled", "cancel_reason": data["reason"]}
    return state
