from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models

import catalogue.models as shelf  # C
from core.models import Stamped  # C


class Review(Stamped):
    product = models.ForeignKey(shelf.Product, models.CASCADE, related_name="reviews")  # C
    line = models.OneToOneField(to="orders.OrderLine", on_delete=models.SET_NULL, null=True)  # C
    shown_in = models.ManyToManyField("catalogue.Bundle", through="reports.Showing")  # C C
    stars = models.IntegerField()


class Note(models.Model):
    kind = models.ForeignKey(ContentType, models.CASCADE)  # C
    key = models.IntegerField()
    about = GenericForeignKey("kind", "key")  # decoy: kind is the relation


class Bestseller(shelf.Product):  # C
    rank = models.IntegerField()


class Reviewed(shelf.Product):  # C
    class Meta:
        proxy = True
