"""The schema of what a lookup answers, for each kind of field."""

from decimal import Decimal

import pytest
from rest_framework import serializers

from carveout.contracts import json_schema
from carveout.contracts.serializer_schema import schema_of
from carveout.errors import DeclarationInvalid
from carveout.lookups.provider import LookupViewSet
from orders.models import Order, OrderLine


class PartSerializer(serializers.Serializer):
    name = serializers.CharField()
    secret = serializers.CharField(write_only=True)


class EverySerializer(serializers.Serializer):
    text = serializers.CharField()
    mail = serializers.EmailField(allow_null=True)
    count = serializers.IntegerField()
    share = serializers.FloatField()
    sure = serializers.BooleanField()
    price = serializers.DecimalField(max_digits=9, decimal_places=2)
    number = serializers.DecimalField(max_digits=9, decimal_places=2, coerce_to_string=False)
    at = serializers.DateTimeField()
    on = serializers.DateField()
    uuid = serializers.UUIDField()
    chosen = serializers.ChoiceField(["a", "b"])
    part = PartSerializer()
    parts = PartSerializer(many=True)
    texts = serializers.ListField(child=serializers.CharField())
    by_name = serializers.DictField(child=serializers.IntegerField())
    json = serializers.JSONField()
    sum = serializers.SerializerMethodField()
    guess = serializers.SerializerMethodField()

    def get_sum(self, row: object) -> Decimal:
        return Decimal(0)

    def get_guess(self, row):
        return None


def fields(serializer: type) -> dict[str, str]:
    class View:
        """What it is."""

        serializer_class = serializer

    found = json_schema.fields_of(schema_of(View))
    return {path: json_schema.format_types(types) for path, types in found.items()}


def test_each_kind_of_field_has_its_type():
    assert fields(EverySerializer) == {
        "text": "string",
        "mail": "string email or null",
        "count": "integer",
        "share": "number",
        "sure": "boolean",
        "price": "string decimal",
        "number": "number",
        "at": "string date-time",
        "on": "string date",
        "uuid": "string uuid",
        "chosen": "string",
        "part": "object",
        "part.name": "string",
        "parts": "array",
        "parts[]": "object",
        "parts[].name": "string",
        "texts": "array",
        "texts[]": "string",
        "by_name": "object",
        "by_name.*": "integer",
        "json": "any",
        "sum": "string decimal",
        "guess": "any",
    }


def test_a_models_fields_have_the_types_of_its_columns():
    class LineSerializer(serializers.ModelSerializer):
        class Meta:
            model = OrderLine
            fields = ["order", "price"]

    class OrderSerializer(serializers.ModelSerializer):
        lines = LineSerializer(many=True, read_only=True)

        class Meta:
            model = Order
            fields = ["number", "shipped_at", "lines"]
            read_only_fields = fields

    assert fields(OrderSerializer) == {
        "number": "string",
        "shipped_at": "string date-time or null",
        "lines": "array",
        "lines[]": "object",
        "lines[].order": "integer",
        "lines[].price": "string decimal",
    }


@pytest.mark.parametrize("documented", [True, False])
def test_a_lookups_docstring_is_its_description(documented):
    class View:
        serializer_class = PartSerializer

    View.__doc__ = "A part.\n\n    In full.\n    " if documented else None
    expected = "A part.\n\nIn full." if documented else ""
    assert schema_of(View)["description"] == expected


def test_a_lookup_without_a_serializer_is_named():
    class Bare(LookupViewSet):
        """Nothing."""

    with pytest.raises(DeclarationInvalid, match="Bare: set serializer_class"):
        schema_of(Bare)
