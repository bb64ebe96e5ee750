from django.db import models

from core.models import Stamped  # C


class Supplier(Stamped):
    name = models.CharField(max_length=50)
    country = models.CharField(max_length=2)
