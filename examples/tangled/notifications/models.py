"""What customers were told, and what they want to be told."""

from django.conf import settings
from django.db import models

from catalogue.models import Product


class Kind(models.TextChoices):
    CONFIRMATION = "confirmation"
    CANCELLATION = "cancellation"
    SHIPPING = "shipping"
    INVITATION = "invitation"


class Channel(models.TextChoices):
    EMAIL = "email", "e-mail"
    SMS = "sms", "SMS"


class Notification(models.Model):
    """A message to a customer about an order."""

    # Kept for complaints, also of people whose account and orders are gone.
    order = models.ForeignKey(
        "orders.Order", null=True, on_delete=models.SET_NULL, related_name="notifications"
    )
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="notifications",
    )
    kind = models.CharField(max_length=16, choices=Kind)
    channel = models.CharField(max_length=8, choices=Channel)
    recipient = models.CharField(max_length=254, help_text="E-mail address or phone number.")
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-sent_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} by {self.get_channel_display()}"


class StockAlert(models.Model):
    """A customer who wants to know when a product can be bought again."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="alerts")
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="alerts"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "customer"], name="one_alert_per_product")
        ]

    def __str__(self) -> str:
        return f"{self.customer} waits for {self.product}"
