"""Orders, as they were bought."""

import secrets

from django.conf import settings
from django.contrib.contenttypes.fields import GenericRelation
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalogue.models import Product

NUMBER_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O, U: read aloud without doubt


def new_number() -> str:
    return "A-" + "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(10))


class Status(models.TextChoices):
    PLACED = "placed"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class Order(models.Model):
    """What one customer bought at once."""

    number = models.CharField(max_length=16, unique=True, default=new_number, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="orders"
    )
    products = models.ManyToManyField("catalogue.Product", through="OrderLine")
    email = models.EmailField()
    phone = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.PLACED)
    cancel_reason = models.CharField(max_length=200, blank=True)
    total = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    placed_at = models.DateTimeField(default=timezone.now, db_index=True)
    notes = GenericRelation("accounts.Note")

    class Meta:
        ordering = ["-placed_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(total__gte=0), name="order_total_not_negative")
        ]

    def __str__(self) -> str:
        return self.number

    def move_to(self, status: Status, cancel_reason: str = "") -> None:
        self.status, self.cancel_reason = status, cancel_reason
        self.save(update_fields=["status", "cancel_reason"])

    def is_reviewed(self) -> bool:
        """Whether the customer has reviewed all that is in the order."""
        from reviews.models import Review

        products = {line.product_id for line in self.lines.all()}
        written = Review.objects.filter(customer_id=self.customer_id, product__in=products)
        return written.count() == len(products)


class OrderLine(models.Model):
    """One product at one price. Name and price are those of the moment it was bought."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="order_lines")
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    quantity = models.PositiveIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "product"], name="one_line_per_product"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="line_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.name}"

    @property
    def amount(self):
        return self.price * self.quantity
