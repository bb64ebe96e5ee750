"""Models of others' tables."""

from django.db import models


class OrderRow(models.Model):
    class Meta:
        managed = False
        db_table = "orders_order"  # C


class Summary(models.Model):
    class Meta:
        managed = False
        db_table = "summary"  # decoy: nobody else's


class Lent(models.Model):  # C: it says that it is of suppliers
    class Meta:
        app_label = "suppliers"
        managed = False
        db_table = "lent"
