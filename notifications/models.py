"""One row for each message that a customer gets: per order, kind and channel."""

from django.db import models, router, transaction
from django.utils import timezone


class Kind(models.TextChoices):
    CONFIRMATION = "confirmation"
    CANCELLATION = "cancellation"
    SHIPPING = "shipping"


class Channel(models.TextChoices):
    EMAIL = "email", "e-mail"
    SMS = "sms", "SMS"


class Status(models.TextChoices):
    WAITING = "waiting"  # the last attempt was refused; another follows
    SENDING = "sending"  # handed over; whether it was taken is not known
    SENT = "sent"


class NotificationManager(models.Manager):
    """The three state changes of a notification, each in its own short transaction."""

    def claim(self, identity: dict, values: dict, again: bool = False) -> "Notification | None":
        """Commits that this message is about to be sent. None: it was sent before.

        A row that already says "sending" is from a try that died or got no answer. The receiver
        may have taken that one, so it is marked ambiguous before the message goes out again.
        """
        with self._own_transaction():
            row, created = self.select_for_update().get_or_create(**identity, defaults=values)
            if row.status == Status.SENT and not again:
                return None
            row.ambiguous |= not created and row.status == Status.SENDING
            for name, value in values.items():
                setattr(row, name, value)
            row.status = Status.SENDING
            row.attempts += 1
            row.save()
        return row

    def refused(self, notification: "Notification") -> None:
        """The receiver refused it, so the next attempt can't send it twice."""
        with self._own_transaction():
            self.filter(pk=notification.pk).update(status=Status.WAITING)

    def sent(self, notification: "Notification") -> None:
        """The receiver accepted it."""
        with self._own_transaction():
            self.filter(pk=notification.pk).update(status=Status.SENT, sent_at=timezone.now())

    def _own_transaction(self):
        """Durable: a claim that an outer transaction could roll back would protect nothing."""
        return transaction.atomic(using=router.db_for_write(self.model), durable=True)


class Notification(models.Model):
    """A message to a customer about an order. Unique, even if an event is delivered twice."""

    order_number = models.CharField(max_length=32)
    customer_id = models.CharField(max_length=64, db_index=True)
    kind = models.CharField(max_length=16, choices=Kind)
    channel = models.CharField(max_length=8, choices=Channel)
    recipient = models.CharField(max_length=254, help_text="E-mail address or phone number.")
    message_id = models.CharField(max_length=120, help_text="The same at every try.")
    status = models.CharField(max_length=8, choices=Status, default=Status.SENDING)
    attempts = models.PositiveIntegerField(default=0)
    ambiguous = models.BooleanField(
        default=False, help_text="An earlier try may have arrived too, with the same Message-ID."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = NotificationManager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["order_number", "kind", "channel"], name="one_notification_per_kind"
            )
        ]
        permissions = [("resend_notification", "Can send a notification again")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.order_number} by {self.get_channel_display()}"
