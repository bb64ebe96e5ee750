"""Products as JSON: for customers, and for other contexts."""

from rest_framework import serializers

from shop.catalogue.models import Product


class ProductLookupSerializer(serializers.ModelSerializer):
    """The lookup's contract. Others depend on these fields."""

    available = serializers.IntegerField(source="stock", read_only=True)

    class Meta:
        model = Product
        fields = ["sku", "name", "price", "available"]
        read_only_fields = fields


class ProductSerializer(ProductLookupSerializer):
    """A product in the public REST."""

    class Meta(ProductLookupSerializer.Meta):
        fields = ["sku", "name", "artist", "description", "price", "available"]
        read_only_fields = fields
