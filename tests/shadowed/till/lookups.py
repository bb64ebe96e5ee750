"""What the till lets others look up."""

from rest_framework import serializers

import carveout
from till.models import Line, Sale


class LineSerializer(serializers.ModelSerializer):
    """A line."""

    class Meta:
        model = Line
        fields = ["name", "amount"]


class SaleSerializer(serializers.ModelSerializer):
    """A sale with its lines."""

    lines = LineSerializer(many=True)

    class Meta:
        model = Sale
        fields = ["number", "customer", "email", "total", "lines"]


@carveout.lookup("sale", key="number")
class SaleLookup(carveout.LookupViewSet):
    """A sale by its number."""

    queryset = Sale.objects.prefetch_related("lines")
    serializer_class = SaleSerializer
