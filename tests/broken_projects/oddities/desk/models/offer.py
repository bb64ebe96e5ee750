from django.db import models


class OfferQuerySet(models.QuerySet):
    def open(self):
        return self.filter(is_open=True)


class Offer(models.Model):
    objects = OfferQuerySet.as_manager()
    good = models.ForeignKey("goods.Good", models.CASCADE, related_name="offers")  # C
    by = models.ForeignKey("people.Person", models.CASCADE, related_name="offers_made")  # C
    desk = models.ForeignKey("desk.Desk", models.CASCADE, related_name="offers")
    is_open = models.BooleanField()
