"""Orders, as they were bought. No foreign key leaves this app."""

import secrets

from django.db import models
from django.db.models import Q
from django.utils import timezone

NUMBER_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O, U: read aloud without doubt


def new_number() -> str:
    """50 random bits: a number can't be guessed and does not reveal how many orders exist."""
    return "A-" + "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(10))


class Status(models.TextChoices):
    PLACED = "placed"
    RESERVED = "reserved"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class OrderQuerySet(models.QuerySet):
    def visible_to(self, customer):
        """Customers see their own orders, staff all."""
        return self if customer.is_staff else self.filter(customer_id=customer.id)

    def same_request(self, order: "Order"):
        """Orders stored earlier for the request that this unsaved one stands for."""
        if order.import_key:
            return self.filter(import_key=order.import_key)
        if order.idempotency_key:
            return self.filter(customer_id=order.customer_id, idempotency_key=order.idempotency_key)
        return self.none()


class Order(models.Model):
    """What one customer bought at once."""

    number = models.CharField(max_length=16, unique=True, default=new_number, editable=False)
    customer_id = models.CharField(max_length=64)
    email = models.EmailField()
    phone = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.PLACED)
    cancel_reason = models.CharField(max_length=200, blank=True)
    # Wider than a price: the largest order possible, 50 lines of 100, still fits.
    total = models.DecimalField(max_digits=14, decimal_places=2)

    placed_at = models.DateTimeField(default=timezone.now, db_index=True)
    reserved_at = models.DateTimeField(null=True, blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    # Null, not "": a unique constraint takes any number of nulls.
    idempotency_key = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001
    import_key = models.CharField(max_length=64, null=True, blank=True, unique=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at", "-id"]
        indexes = [models.Index(fields=["customer_id", "-placed_at"], name="orders_of_customer")]
        constraints = [
            models.UniqueConstraint(
                fields=["customer_id", "idempotency_key"], name="one_order_per_idempotency_key"
            ),
            models.CheckConstraint(condition=Q(total__gte=0), name="order_total_not_negative"),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="order_status_known"
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def is_open(self) -> bool:
        """Whether the order can still be cancelled."""
        return self.status in (Status.PLACED, Status.RESERVED)

    def move_to(self, status: Status, cancel_reason: str = "") -> None:
        """Sets the status and its time. The caller holds the row's lock."""
        self.status, self.cancel_reason = status, cancel_reason
        setattr(self, f"{status}_at", timezone.now())
        self.save(update_fields=["status", "cancel_reason", f"{status}_at"])


class OrderLine(models.Model):
    """One product at one price, with its name and price at the time of purchase."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    sku = models.CharField(max_length=32)
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    quantity = models.PositiveIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="line_quantity_positive"),
            models.CheckConstraint(condition=Q(price__gte=0), name="line_price_not_negative"),
        ]

    def __str__(self):
        return f"{self.quantity} of {self.name}"

    @property
    def amount(self):
        return self.price * self.quantity
