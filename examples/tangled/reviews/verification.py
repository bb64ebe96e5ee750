"""Who bought what. A badge stays as long as one order proves it."""

from orders.models import Order
from reviews.models import Purchase, VerifiedCustomer


def mark(order: Order) -> None:
    """The customer of this order is a verified customer of what is in it."""
    for line in order.lines.all():
        verified, _ = VerifiedCustomer.objects.get_or_create(
            customer=order.customer, product=line.product
        )
        Purchase.objects.get_or_create(verified=verified, order=order)


def withdraw(order: Order) -> None:
    """This order proves nothing any more."""
    Purchase.objects.filter(order=order).delete()
    VerifiedCustomer.objects.filter(customer=order.customer, purchases=None).delete()
