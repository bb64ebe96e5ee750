from django.db import models

from market.orders.models import Order


class Note(models.Model):
    """What somebody was told: the effect of every call."""

    kind = models.CharField(max_length=32)
    number = models.CharField(max_length=32)
    text = models.CharField(max_length=200)


class Badge(models.Model):
    name = models.CharField(max_length=32, unique=True)

    def award(self, order: Order, text: str = "well done") -> None:
        Note.objects.create(kind=self.name, number=order.number, text=text)


class Prize(models.Model):
    def give(self, order: Order) -> None:
        Note.objects.create(kind="prize", number=order.number, text="")


class Cup(models.Model):
    def give(self, order: Order) -> None:
        Note.objects.create(kind="cup", number=order.number, text="")
