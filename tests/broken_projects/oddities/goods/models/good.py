from django.db import models

from goods.history import History


class OwnedBy(models.ForeignKey):
    """A field whose class is not called like one of Django's."""


class Owned(models.Model):
    owner = OwnedBy("people.Person", models.CASCADE, related_name="goods")  # C

    class Meta:
        abstract = True


class Good(Owned):
    price = models.IntegerField()
    history = History()  # C
    keeper = models.ForeignKey("people.Person", models.CASCADE, related_name="+")  # C

    @property
    def links(self):
        return None


Good.__module__ = "goods.models"
