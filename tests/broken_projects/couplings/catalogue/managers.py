from typing import TYPE_CHECKING

from .models import Product  # decoy

if TYPE_CHECKING:
    from orders.models import Order  # C


def bought_with(order: "Order"):
    return Product.objects.filter(supplier__country="NO", lines__order=order)  # C C
