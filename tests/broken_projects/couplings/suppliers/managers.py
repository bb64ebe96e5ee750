from django.contrib.auth import get_user_model
from django.db import models


class SupplierQuerySet(models.QuerySet):
    def selling(self):
        return self.filter(product__lines__order__paid=True)  # C C C


def sellers():
    return get_user_model().objects.all()  # C
