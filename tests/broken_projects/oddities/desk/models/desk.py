from django.db import models


class Desk(models.Model):
    name = models.CharField(max_length=10)
    clerk = models.ForeignKey("people.Person", models.CASCADE, related_name="desks")  # C
