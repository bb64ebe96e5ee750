"""What the ledger reads of others."""

from decimal import Decimal

import msgspec

import carveout


class SoldLine(msgspec.Struct):
    """One line."""

    name: str
    amount: Decimal


class SaleToBook(carveout.Lookup, of="till.sale"):
    """A sale as the ledger needs it."""

    number: str
    customer: str
    email: str
    total: Decimal
    lines: list[SoldLine]
