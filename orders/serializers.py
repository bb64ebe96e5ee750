"""Orders as data, for lookups and for the public REST."""

from django.core.validators import RegexValidator
from rest_framework import serializers

from .lines import MAX_LINES, MAX_QUANTITY, WantedLine
from .models import Order, OrderLine

PHONE = RegexValidator(
    r"^(\+?[0-9][0-9 ()/-]{4,})?$", "A telephone number: digits, with + in front."
)


class OrderLineSerializer(serializers.ModelSerializer):
    class Meta:
        model = OrderLine
        fields = ["sku", "name", "quantity", "price"]


class OrderSerializer(serializers.ModelSerializer):
    """What other contexts can look up: a field taken away here breaks those that read it."""

    lines = OrderLineSerializer(many=True, read_only=True)

    class Meta:
        model = Order
        fields = [
            "number",
            "customer_id",
            "email",
            "phone",
            "status",
            "cancel_reason",
            "placed_at",
            "total",
            "lines",
        ]
        read_only_fields = fields


class PublicOrderSerializer(OrderSerializer):
    """What a customer gets of an order."""

    class Meta(OrderSerializer.Meta):
        fields = [*OrderSerializer.Meta.fields, "reserved_at", "shipped_at", "cancelled_at"]
        read_only_fields = fields


class WantedLineSerializer(serializers.Serializer):
    sku = serializers.SlugField(max_length=32, error_messages={"invalid": "Unknown product."})
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY)


class PlaceOrderSerializer(serializers.Serializer):
    """What a customer orders. Their id and their e-mail address are in the token."""

    lines = WantedLineSerializer(many=True, allow_empty=False, max_length=MAX_LINES)
    phone = serializers.CharField(
        max_length=32, required=False, allow_blank=True, default="", validators=[PHONE]
    )

    def wanted_lines(self) -> list[WantedLine]:
        return [WantedLine(**line) for line in self.validated_data["lines"]]
