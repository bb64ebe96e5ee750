from django.db import models

from core.models import Stamped  # C


class Showing(Stamped):
    review = models.ForeignKey("reviews.Review", models.DO_NOTHING)  # C
    bundle = models.ForeignKey("catalogue.Bundle", models.CASCADE)  # C
