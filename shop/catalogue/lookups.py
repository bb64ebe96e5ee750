"""What the shop lets others look up, and what it looks up itself."""

import msgspec

import carveout
from shop.catalogue.models import Product
from shop.catalogue.serializers import ProductLookupSerializer


@carveout.lookup("product", key="sku")
class ProductLookup(carveout.LookupViewSet):
    """A product as others see it: name, price, and how many are left."""

    queryset = Product.objects.all()
    serializer_class = ProductLookupSerializer


class Line(msgspec.Struct):
    """Pieces of one product in an order."""

    sku: str
    quantity: int


class OrderToReserve(carveout.Lookup, of="orders.order"):
    """What stock needs to know of an order."""

    number: str
    customer_id: str
    lines: list[Line]
