import urllib.request

from django.db import models

from core.models import Stamped  # C


class Parcel(Stamped):
    order = models.ForeignKey("orders.Order", models.RESTRICT, db_constraint=False)  # C
    sent = models.BooleanField(default=False)

    def announce(self):
        urllib.request.urlopen("…")

    class Meta:
        db_table = "parcel"
