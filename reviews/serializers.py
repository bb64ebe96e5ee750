"""Reviews as REST takes and shows them."""

from rest_framework import serializers

from reviews.models import Review, VerifiedCustomer


class ReviewSerializer(serializers.ModelSerializer):
    verified = serializers.BooleanField(
        read_only=True, default=False, help_text="The writer bought the product here."
    )

    class Meta:
        model = Review
        fields = [
            "id",
            "sku",
            "customer_name",
            "rating",
            "text",
            "status",
            "verified",
            "created_at",
        ]
        read_only_fields = ["customer_name", "status"]


class ReviewChangeSerializer(ReviewSerializer):
    """A review stays with its product."""

    class Meta(ReviewSerializer.Meta):
        read_only_fields = [*ReviewSerializer.Meta.read_only_fields, "sku"]


class VerifiedCustomerSerializer(serializers.ModelSerializer):
    order_number = serializers.CharField(
        read_only=True, help_text="The first order that proves it."
    )

    class Meta:
        model = VerifiedCustomer
        fields = ["customer_id", "sku", "order_number", "verified_at"]
