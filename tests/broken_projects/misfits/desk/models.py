"""Tickets."""

from django.db import models


class Ticket(models.Model):
    """A question of somebody's."""

    number = models.CharField(max_length=20)
    subject = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.number
