"""What is announced."""

import carveout


class OrderPlaced(carveout.Event, key="order_number"):
    """An order was stored."""

    order_number: str
    number: int
