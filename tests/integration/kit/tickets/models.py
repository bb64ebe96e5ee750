"""Tickets."""

from django.db import models


class Ticket(models.Model):
    """A seat that was sold."""

    number = models.CharField(max_length=32, unique=True)
    title = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=10, decimal_places=2, default="12.50")

    class Meta:
        app_label = "kit_tickets"

    def __str__(self) -> str:
        return self.number
