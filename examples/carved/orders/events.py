"""What orders announces."""

import carveout


class OrderPlaced(carveout.Event, key="number"):
    """A customer's order was stored."""

    number: str


class OrderCancelled(carveout.Event, key="number"):
    """An order was cancelled, and its goods were put back."""

    number: str


class OrderShipped(carveout.Event, key="number"):
    """An order left the warehouse."""

    number: str
