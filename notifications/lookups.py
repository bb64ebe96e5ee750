"""What notifications looks up in other contexts. It offers no lookup itself."""

from decimal import Decimal

import msgspec

import carveout


class Line(msgspec.Struct):
    """A line of an order, as bought."""

    name: str
    quantity: int
    price: Decimal


class OrderToTell(carveout.Lookup, of="orders.order"):
    """The fields of an order that its e-mails need."""

    number: str
    customer_id: str
    email: str
    phone: str
    status: str
    cancel_reason: str
    total: Decimal
    lines: list[Line]
