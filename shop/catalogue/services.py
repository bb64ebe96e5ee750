"""Reserves stock for an order, all or nothing, and releases it.

Both services run inside a transaction of the shop's database, which the caller opens.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from django.utils import timezone

import carveout
from shop.catalogue.events import StockReserved, StockShort
from shop.catalogue.lookups import OrderToReserve
from shop.catalogue.models import Product, Reservation, StockDecision

Outcome = StockDecision.Outcome


def reserve(order: OrderToReserve) -> StockDecision:
    """Reserves an order's products, all lines or none, and publishes which.

    An order is decided once: a second call publishes nothing and returns the first decision.
    """
    decided = StockDecision.objects.filter(order_number=order.number).first()
    if decided:
        return decided
    wanted = pieces_wanted(order)
    products = lock_products(wanted)
    shortage = shortage_of(wanted, products)
    if shortage:
        carveout.publish(StockShort(order_number=order.number))
        return _decide(order, Outcome.SHORT, shortage)
    carveout.publish(StockReserved(order_number=order.number))
    decision = _decide(order, Outcome.RESERVED)
    _set_aside(decision, wanted, products)
    return decision


def release(order: OrderToReserve) -> StockDecision:
    """Releases what was reserved for a cancelled order; a second call changes nothing.

    An order that is not decided yet counts as released, so that nothing is reserved for it later.
    """
    decision = StockDecision.objects.select_for_update().filter(order_number=order.number).first()
    if decision is None:
        return _decide(order, Outcome.RELEASED, released_at=timezone.now())
    if decision.outcome == Outcome.RESERVED:
        _give_back(decision)
    return decision


def pieces_wanted(order: OrderToReserve) -> Counter[str]:
    """Pieces per SKU, over all lines: two lines may hold the same product."""
    wanted: Counter[str] = Counter()
    for line in order.lines:
        wanted[line.sku] += line.quantity
    return wanted


def lock_products(skus: Iterable[str]) -> dict[str, Product]:
    """The products by SKU, locked in SKU order: two orders never wait for each other."""
    rows = Product.objects.select_for_update().filter(sku__in=list(skus)).order_by("sku")
    return {product.sku: product for product in rows}


def shortage_of(wanted: Mapping[str, int], products: Mapping[str, Product]) -> str:
    """The missing pieces as readable text; empty if everything is in stock."""
    left = {sku: products[sku].stock if sku in products else 0 for sku in wanted}
    return "; ".join(
        f"{sku}: {pieces} wanted, {left[sku]} left"
        for sku, pieces in sorted(wanted.items())
        if pieces > left[sku]
    )


def _decide(order: OrderToReserve, outcome: str, shortage: str = "", **times) -> StockDecision:
    return StockDecision.objects.create(
        order_number=order.number,
        customer_id=order.customer_id,
        outcome=outcome,
        shortage=shortage,
        **times,
    )


def _set_aside(
    decision: StockDecision, wanted: Mapping[str, int], products: Mapping[str, Product]
) -> None:
    for sku, pieces in wanted.items():
        products[sku].stock -= pieces
    Product.objects.bulk_update(products.values(), ["stock"])
    Reservation.objects.bulk_create(
        Reservation(decision=decision, product=products[sku], quantity=pieces)
        for sku, pieces in wanted.items()
    )


def _give_back(decision: StockDecision) -> None:
    pieces = dict(decision.reservations.values_list("product__sku", "quantity"))
    products = lock_products(pieces)
    for sku, product in products.items():
        product.stock += pieces[sku]
    Product.objects.bulk_update(products.values(), ["stock"])
    decision.outcome, decision.released_at = Outcome.RELEASED, timezone.now()
    decision.save(update_fields=["outcome", "released_at"])
