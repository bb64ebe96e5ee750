"""What is announced."""

import carveout


class OrderPlaced(carveout.Event, key="order_number"):
    """An order was stored."""

    order_number: str
    number: int


class OrderMade(carveout.Event, key="order_number"):
    """An order was stored; for tables that announce it."""

    order_number: str


class OrderPaid(carveout.Event, key="order_number"):
    """An order was paid; for jobs."""

    order_number: str
