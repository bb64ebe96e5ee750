"""What reviews looks up in other contexts. It offers no lookup yet."""

from datetime import datetime

import msgspec

import carveout


class Line(msgspec.Struct):
    """A product in an order."""

    sku: str


class OrderToVerify(carveout.Lookup, of="orders.order"):
    """Who bought which products, and when."""

    number: str
    customer_id: str
    placed_at: datetime
    lines: list[Line]
