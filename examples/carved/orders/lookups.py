"""What orders lets others look up."""

from rest_framework import serializers

import carveout
from orders.models import Order, OrderLine


class LineSerializer(serializers.ModelSerializer):
    amount = serializers.DecimalField(max_digits=12, decimal_places=2)
    sku = serializers.CharField(source="product.sku")

    class Meta:
        model = OrderLine
        fields = ["name", "sku", "quantity", "amount"]


class OrderSerializer(serializers.ModelSerializer):
    customer_name = serializers.CharField(source="customer.name")
    lines = LineSerializer(many=True)

    class Meta:
        model = Order
        fields = [
            "id",
            "number",
            "customer_id",
            "customer_name",
            "email",
            "phone",
            "cancel_reason",
            "total",
            "lines",
        ]


@carveout.lookup("order", key="number")
class OrderLookup(carveout.LookupViewSet):
    queryset = Order.objects.select_related("customer").prefetch_related("lines__product")
    serializer_class = OrderSerializer
