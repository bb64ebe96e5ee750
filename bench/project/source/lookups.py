"""What others can look up."""

from rest_framework import serializers
from source.models import Order, OrderLine

import carveout


class OrderLineSerializer(serializers.ModelSerializer):
    class Meta:
        model = OrderLine
        fields = ["sku", "name", "quantity", "price"]


class OrderSerializer(serializers.ModelSerializer):
    lines = OrderLineSerializer(many=True, read_only=True)

    class Meta:
        model = Order
        fields = ["number", "customer_id", "email", "placed_at", "total", "lines"]


@carveout.lookup("order", key="number")
class OrderLookup(carveout.LookupViewSet):
    """An order with its lines."""

    queryset = Order.objects.prefetch_related("lines")
    serializer_class = OrderSerializer
