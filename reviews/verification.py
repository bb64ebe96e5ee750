"""Who bought what: marking and unmarking verified customers, in bulk.

Each function makes the same few queries for one order and for five hundred. Both lock the badges
that they touch, so that one customer's orders in two partitions, handled at the same time by two
consumers, can't take away a badge that a new purchase has just given a reason to keep.
"""

from collections.abc import Collection, Iterable

from reviews.lookups import OrderToVerify
from reviews.models import CancelledOrder, Purchase, VerifiedCustomer


def mark(orders: Iterable[OrderToVerify]) -> None:
    """Make each order's customer a verified customer of its products, unless it was cancelled.

    Repeating adds nothing.
    """
    by_number = {order.number: order for order in orders}
    cancelled = _cancelled(by_number)
    bought = {
        (order.customer_id, line.sku, number): order.placed_at
        for number, order in by_number.items()
        if number not in cancelled
        for line in order.lines
    }
    badges = _locked_badges({(customer_id, sku) for customer_id, sku, _ in bought})
    purchases = [
        Purchase(verified=badges[customer_id, sku], order_number=number, bought_at=placed_at)
        for (customer_id, sku, number), placed_at in bought.items()
    ]
    Purchase.objects.bulk_create(purchases, ignore_conflicts=True)


def unmark(order_numbers: Collection[str]) -> None:
    """Take the purchases of these orders away, and the badges that rested on them alone."""
    CancelledOrder.objects.bulk_create(
        [CancelledOrder(order_number=number) for number in order_numbers], ignore_conflicts=True
    )
    badges = VerifiedCustomer.objects.filter(purchases__order_number__in=order_numbers)
    locked = badges.order_by("customer_id", "sku").select_for_update(of=("self",))
    # Read now, not as a subquery: the lock has to be held before the purchases are counted.
    ids = [badge.pk for badge in locked]
    Purchase.objects.filter(order_number__in=order_numbers).delete()
    VerifiedCustomer.objects.filter(pk__in=ids, purchases__isnull=True).delete()


def _cancelled(order_numbers: Collection[str]) -> set[str]:
    rows = CancelledOrder.objects.filter(order_number__in=list(order_numbers))
    return set(rows.values_list("order_number", flat=True))


def _locked_badges(pairs: set[tuple[str, str]]) -> dict[tuple[str, str], VerifiedCustomer]:
    """The badges of these (customer, sku) pairs, made where missing.

    The update of an existing one changes nothing: it locks the row and returns its id, where
    ignoring the conflict would do neither. Sorted, so that two batches lock in the same order.
    """
    badges = [
        VerifiedCustomer(customer_id=customer_id, sku=sku) for customer_id, sku in sorted(pairs)
    ]
    VerifiedCustomer.objects.bulk_create(
        badges,
        update_conflicts=True,
        unique_fields=["customer_id", "sku"],
        update_fields=["sku"],
    )
    return {(badge.customer_id, badge.sku): badge for badge in badges}
