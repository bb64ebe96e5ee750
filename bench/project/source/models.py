"""Orders with lines."""

from django.db import models
from django.utils import timezone


class Order(models.Model):
    """What one customer bought at once."""

    number = models.CharField(max_length=16, unique=True)
    customer_id = models.CharField(max_length=64)
    email = models.EmailField()
    total = models.DecimalField(max_digits=14, decimal_places=2)
    placed_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """One product at one price."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    sku = models.CharField(max_length=32)
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    quantity = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.quantity} of {self.name}"
