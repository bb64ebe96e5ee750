from django.contrib.contenttypes.fields import GenericRelation
from django.db import models

from core.models import Stamped  # C


class Product(Stamped):
    name = models.CharField(max_length=50)
    supplier = models.ForeignKey("suppliers.Supplier", models.PROTECT)  # C
    notes = GenericRelation("reviews.Note")  # C C: the one of a child too
    seen_by = models.ManyToManyField("accounts.Person")  # C
    similar = models.ManyToManyField("self")  # decoy

    def rating(self):
        from reviews.services import rating_of  # C

        return rating_of(self)


class Bundle(Product):
    products = models.ManyToManyField(Product, related_name="bundles")  # decoy
