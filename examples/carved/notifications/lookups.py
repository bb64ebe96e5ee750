"""What notifications reads of other contexts."""

from decimal import Decimal

import msgspec

import carveout


class Line(msgspec.Struct):
    """One product of an order."""

    name: str
    sku: str
    quantity: int
    amount: Decimal


class OrderToTell(carveout.Lookup, of="orders.order"):
    """What a message about an order says, and where it goes."""

    id: int
    number: str
    customer_id: int
    customer_name: str
    email: str
    phone: str
    cancel_reason: str
    total: Decimal
    lines: list[Line]
