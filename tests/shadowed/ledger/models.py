"""What was booked."""

from django.db import models


class Account(models.Model):
    """What a customer spent."""

    customer = models.CharField(max_length=20, unique=True)
    balance = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    sales = models.IntegerField(default=0)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.customer


class Entry(models.Model):
    """One line of one sale."""

    account = models.ForeignKey(Account, models.CASCADE)
    number = models.CharField(max_length=20)
    place = models.IntegerField()
    name = models.CharField(max_length=20)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["number", "place"], name="one_entry")]

    def __str__(self) -> str:
        return f"{self.number} {self.place}"


class Reservation(models.Model):
    """A sale that is not booked yet."""

    number = models.CharField(max_length=20, unique=True)

    def __str__(self) -> str:
        return self.number
