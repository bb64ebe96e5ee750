from django.db import models
from framework.stock.abstract_models import AbstractShelf


class Shelf(AbstractShelf):
    place = models.CharField(max_length=20)


class Crate(models.Model):
    shelf = models.ForeignKey(Shelf, models.CASCADE)  # decoy
    review = models.ForeignKey("reviews.Review", models.CASCADE)  # C # danger: of the product too
    product = models.ForeignKey("catalogue.Product", models.CASCADE)  # C: only two apps
    order = models.ForeignKey("orders.Order", models.SET_NULL, null=True)  # C: it stays
