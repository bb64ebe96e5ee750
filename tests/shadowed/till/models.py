"""What is sold."""

from django.db import models


class Sale(models.Model):
    """One sale to one customer."""

    number = models.CharField(max_length=20, unique=True)
    customer = models.CharField(max_length=20)
    email = models.EmailField()
    total = models.DecimalField(max_digits=10, decimal_places=2)

    def __str__(self) -> str:
        return self.number


class Line(models.Model):
    """One product of a sale."""

    sale = models.ForeignKey(Sale, models.CASCADE, related_name="lines")
    name = models.CharField(max_length=20)
    amount = models.DecimalField(max_digits=10, decimal_places=2)

    def __str__(self) -> str:
        return self.name
