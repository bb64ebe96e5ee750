from django.db import models

from core.models import Stamped  # C
from suppliers.managers import SupplierQuerySet  # decoy


class Supplier(Stamped):
    objects = SupplierQuerySet.as_manager()
    name = models.CharField(max_length=50)
    country = models.CharField(max_length=2)
