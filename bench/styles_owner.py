"""Places and cancels orders in each of the four styles."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from richer import in_full, sourced

from bench.pace import paced
from orders import services
from orders.models import Order, OrderLine

PLACE: dict[str, Callable[..., Any]] = {
    "notified": services.store,
    "carried": in_full.place,
    "sourced": sourced.place,
    "copied": services.store,
}
CANCEL: dict[str, Callable[..., Any]] = {
    "notified": services.cancel_order,
    "carried": in_full.cancel,
    "sourced": sourced.cancel,
    "copied": services.cancel_order,
}


def place(style: str, count: int, per_second: int | None) -> dict[str, float]:
    """When each order was committed, by number; in seconds since 1970."""
    committed_at = {}

    def one() -> None:
        order = Order(customer_id="7", email="a@example.com")
        lines = [
            OrderLine(sku=f"CD-{n}", name=f"Album {n}", price=Decimal("9.99"), quantity=1)
            for n in range(3)
        ]
        PLACE[style](order, lines)
        committed_at[order.number] = time.time()

    paced(one, count, per_second)
    return committed_at


def cancel(style: str, numbers: list[str]) -> None:
    for number in numbers:
        CANCEL[style](number, "The customer cancelled it.")
