"""What carried looks up in other contexts."""

from decimal import Decimal

import carveout


class OrderToCount(carveout.Lookup, of="orders.order"):
    """Who ordered, and for how much."""

    number: str
    customer_id: str
    status: str
    total: Decimal
