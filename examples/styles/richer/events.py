"""What orders announces in two other styles. The shop itself does not publish these."""

from decimal import Decimal

import carveout

# Event-carried state transfer: the event has the representation of the lookup.


class OrderPlacedInFull(carveout.Event, key="order_number", carries="orders.order"):
    """A customer's order was stored."""

    order_number: str


class OrderCancelledInFull(carveout.Event, key="order_number", carries="orders.order"):
    """An order will not be sent."""

    order_number: str


# Event sourcing: the events are the record, so they have all that anybody will ever ask for.


class OrderOpened(carveout.Event, key="order_number"):
    """A customer ordered."""

    order_number: str
    customer_id: str
    email: str
    lines: list[list[str]]
    """For each line: SKU, name, quantity, price."""
    total: Decimal


class OrderClosed(carveout.Event, key="order_number"):
    """An order will not be sent."""

    order_number: str
    reason: str
