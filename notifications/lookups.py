"""What notifications needs to know of others. It offers nothing to look up."""

from decimal import Decimal

import msgspec

import carveout


class Line(msgspec.Struct):
    """A line of an order, as bought."""

    name: str
    quantity: int
    price: Decimal


class OrderToTell(carveout.Lookup, of="orders.order"):
    """An order, as far as its customer is told of it."""

    number: str
    customer_id: str
    email: str
    phone: str
    status: str
    cancel_reason: str
    total: Decimal
    lines: list[Line]
