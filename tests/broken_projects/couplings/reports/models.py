from django.db import models

from core.models import Stamped  # C
from reports.views_of_tables import OrderRow  # noqa: F401  # decoy


class Showing(Stamped):
    review = models.ForeignKey("reviews.Review", models.DO_NOTHING)  # C
    bundle = models.ForeignKey("catalogue.Bundle", models.CASCADE)  # C
    shown_of = models.ForeignKey(  # C C: rows of orders, chosen by what their buyers have
        "orders.Order",
        models.PROTECT,
        limit_choices_to={"buyer__phone__gt": "", "paid": True},
    )

    class Meta:
        ordering = ["bundle__supplier__name", "-pk", "review"]  # C C

    def natural_key(self):
        return (self.pk,)

    natural_key.dependencies = ["reviews.review", "reports.showing"]  # C
