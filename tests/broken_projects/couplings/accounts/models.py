from django.contrib.auth.models import AbstractUser
from django.db import models

from core.models import Stamped  # C


class Person(AbstractUser, Stamped):  # C C: groups and permissions
    phone = models.CharField(max_length=30)

    def orders_in_all(self):
        return self.orders.count()  # C
