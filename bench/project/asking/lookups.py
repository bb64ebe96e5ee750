"""What is read of an order: everything."""

from datetime import datetime
from decimal import Decimal

import msgspec

import carveout


class Line(msgspec.Struct):
    """One product."""

    sku: str
    name: str
    quantity: int
    price: Decimal


class WholeOrder(carveout.Lookup, of="source.order"):
    """An order with its lines."""

    number: str
    customer_id: str
    email: str
    placed_at: datetime
    total: Decimal
    lines: list[Line]
