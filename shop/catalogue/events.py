"""What the shop announces about an order's stock."""

import carveout


class StockReserved(carveout.Event, key="order_number"):
    """Every product of the order was set aside."""

    order_number: str


class StockShort(carveout.Event, key="order_number"):
    """At least one product of the order was not there; nothing was set aside."""

    order_number: str
