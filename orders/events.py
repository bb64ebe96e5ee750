"""What orders announces."""

import carveout


class OrderCreated(carveout.Event, key="order_number"):
    """A customer's order was stored."""

    order_number: str


class OrderCancelled(carveout.Event, key="order_number"):
    """An order will not be sent; the lookup says why."""

    order_number: str


class OrderShipped(carveout.Event, key="order_number"):
    """An order left the warehouse."""

    order_number: str
