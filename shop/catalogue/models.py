"""Products, and the decision about their stock for each order."""

from decimal import Decimal

from django.core.validators import MinValueValidator, validate_slug
from django.db import models
from django.utils import timezone


class Product(models.Model):
    """A CD on sale. `stock` is the quantity left to reserve."""

    sku = models.CharField(max_length=32, unique=True, validators=[validate_slug])
    name = models.CharField(max_length=200)
    artist = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    price = models.DecimalField(
        max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    stock = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["sku"]
        constraints = [
            models.CheckConstraint(condition=models.Q(price__gte=0), name="price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"


class StockDecision(models.Model):
    """The decision on one order: all of its products are reserved, or none. It is final."""

    class Outcome(models.TextChoices):
        RESERVED = "reserved"
        SHORT = "short"
        RELEASED = "released"

    order_number = models.CharField(max_length=32, unique=True)
    customer_id = models.CharField(max_length=64, db_index=True)
    outcome = models.CharField(max_length=16, choices=Outcome)
    shortage = models.TextField(blank=True)
    decided_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-decided_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.order_number}: {self.outcome}"


class Reservation(models.Model):
    """Pieces of one product, set aside for one order."""

    decision = models.ForeignKey(
        StockDecision, on_delete=models.CASCADE, related_name="reservations"
    )
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="reservations")
    quantity = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["decision", "product"], name="one_reservation_per_product"
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0), name="reserved_quantity_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of product {self.product_id}"
