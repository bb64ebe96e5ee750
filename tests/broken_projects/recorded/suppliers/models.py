from django.db import models


class Supplier(models.Model):
    name = models.CharField(max_length=50)
    country = models.CharField(max_length=2)
