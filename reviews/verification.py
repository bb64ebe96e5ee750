"""Records which customers bought which products, in bulk.

Five hundred orders take as few queries as one.
"""

from collections.abc import Collection

from reviews.lookups import OrderToVerify
from reviews.models import CancelledOrder, Purchase, VerifiedCustomer

Pair = tuple[str, str]
"""A customer's id and a product's sku: what a badge is about."""


def settle(placed: Collection[OrderToVerify], cancelled: Collection[OrderToVerify]) -> None:
    """Marks the customers of placed orders as verified, and removes what cancelled orders proved.

    A badge stays as long as one order proves it. A cancelled order proves nothing, even if its
    creation arrives only afterwards. Repeating changes nothing.
    """
    orders = {order.number: order for order in [*placed, *cancelled]}
    gone = _remember_cancelled(orders, {order.number for order in cancelled})
    badges = _locked_badges({pair for order in orders.values() for pair in _pairs(order)})
    Purchase.objects.filter(order_number__in=gone).delete()
    proofs = [
        Purchase(verified=badges[pair], order_number=number, bought_at=order.placed_at)
        for number, order in orders.items()
        if number not in gone
        for pair in _pairs(order)
    ]
    Purchase.objects.bulk_create(proofs, ignore_conflicts=True)
    ids = [badge.pk for badge in badges.values()]
    VerifiedCustomer.objects.filter(pk__in=ids, purchases__isnull=True).delete()


def _pairs(order: OrderToVerify) -> set[Pair]:
    return {(order.customer_id, line.sku) for line in order.lines}


def _remember_cancelled(numbers: Collection[str], cancelled: Collection[str]) -> set[str]:
    """Records the cancelled orders. Returns: which of all these numbers are cancelled by now."""
    rows = [CancelledOrder(order_number=number) for number in sorted(cancelled)]
    CancelledOrder.objects.bulk_create(rows, ignore_conflicts=True)
    known = CancelledOrder.objects.filter(order_number__in=list(numbers))
    return set(known.values_list("order_number", flat=True))


def _locked_badges(pairs: Collection[Pair]) -> dict[Pair, VerifiedCustomer]:
    """The badges of these pairs, made where missing, locked until the transaction ends.

    Two orders of one customer may be in two partitions, handled at once by two consumers: without
    the lock one could take away the badge that the other has just given a reason to keep. Updating
    an existing badge changes nothing, but locks it and returns its id, where ignoring the conflict
    would do neither. All at once and sorted, so that two batches wait instead of deadlocking.
    """
    badges = [VerifiedCustomer(customer_id=customer, sku=sku) for customer, sku in sorted(pairs)]
    VerifiedCustomer.objects.bulk_create(
        badges,
        update_conflicts=True,
        unique_fields=["customer_id", "sku"],
        update_fields=["sku"],
    )
    return {(badge.customer_id, badge.sku): badge for badge in badges}
