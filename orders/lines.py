"""The lines that a customer wants to order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .errors import InvalidOrder
from .models import OrderLine

MAX_LINES = 50
MAX_QUANTITY = 100


@dataclass(frozen=True)
class WantedLine:
    sku: str
    quantity: int
    price: Decimal | None = None  # the price paid, if known; else the catalogue's price


def quantities(lines) -> Counter:
    """The quantity of each product, over wanted or stored lines."""
    total = Counter()
    for line in lines:
        total[line.sku] += line.quantity
    return total


def check_quantities(lines: Sequence[WantedLine]) -> None:
    """Raises: InvalidOrder: no lines, too many, or too few or many of one product."""
    if not lines:
        raise InvalidOrder({"lines": ["An order needs at least one line."]})
    if len(lines) > MAX_LINES:
        raise InvalidOrder({"lines": [f"An order takes at most {MAX_LINES} lines."]})
    total = quantities(lines)
    reason = f"The quantity of one product must be between 1 and {MAX_QUANTITY}."
    wrong = [line.quantity < 1 or total[line.sku] > MAX_QUANTITY for line in lines]
    refuse_where(wrong, "quantity", reason)


def check_known(lines: Sequence[WantedLine], products: Mapping) -> None:
    """Raises: InvalidOrder: the shop does not sell this."""
    refuse_where([line.sku not in products for line in lines], "sku", "Unknown product.")


def refuse_where(wrong: Sequence[bool], field: str, reason: str) -> None:
    if any(wrong):
        raise InvalidOrder({"lines": [{field: [reason]} if bad else {} for bad in wrong]})


def bought(lines: Sequence[WantedLine], products: Mapping) -> list[OrderLine]:
    """Unsaved lines with the products' current names and prices; equal lines are merged."""
    quantity = Counter()
    for line in lines:
        price = products[line.sku].price if line.price is None else line.price
        quantity[line.sku, price] += line.quantity
    return [
        OrderLine(sku=sku, name=products[sku].name, price=price, quantity=count)
        for (sku, price), count in quantity.items()
    ]
