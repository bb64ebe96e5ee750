from django.db import models

from core.models import Recorded, Rows


class Order(Recorded):
    product = models.ForeignKey("goods.Product", models.CASCADE)
    carriers = models.ManyToManyField("suppliers.Supplier", related_name="carries")
    state = models.CharField(max_length=20, default="placed")
    objects = Rows.as_manager()


class Line(models.Model):
    order = models.ForeignKey(Order, models.CASCADE)
