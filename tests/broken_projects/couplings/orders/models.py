from django.conf import settings
from django.db import models

from catalogue.models import Product  # C
from core.models import Stamped  # C


class Order(Stamped):
    buyer = models.ForeignKey(  # C
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="orders",
    )
    products = models.ManyToManyField(Product, through="orders.OrderLine")  # C
    paid = models.BooleanField(default=False)
    label = models.FileField()

    class Meta:
        permissions = [("ship_order", "May ship")]


class OrderLine(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")  # decoy
    product = models.ForeignKey(Product, models.CASCADE, related_name="lines")  # C


class GiftOrder(Order):
    wrapped_by = models.OneToOneField("accounts.Person", models.CASCADE, db_constraint=False)  # C
