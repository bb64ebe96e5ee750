"""What orders lets others look up, and what it looks up itself."""

from decimal import Decimal

import carveout

from .models import Order
from .serializers import OrderSerializer


@carveout.lookup("order", key="number")
class OrderLookup(carveout.LookupViewSet):
    """An order with its lines, in its present state."""

    queryset = Order.objects.prefetch_related("lines")
    serializer_class = OrderSerializer


class ProductToBuy(carveout.Lookup, of="shop.product"):
    """A product as it is offered now."""

    sku: str
    name: str
    price: Decimal
    available: int
