"""Cards, and what was really done to them."""

from django.db import models


class Card(models.Model):
    """A row that comes, changes and goes. Its version only grows, also if it comes again."""

    key = models.CharField(max_length=20, unique=True)
    version = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.key} {self.version}"


class Slot(models.Model):
    """A key that there may be a card of. Whoever changes the card locks it."""

    key = models.CharField(max_length=20, unique=True)
    version = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.key


class Change(models.Model):
    """What was committed; the checker compares the log with it."""

    key = models.CharField(max_length=20)
    version = models.IntegerField()
    event = models.CharField(max_length=20)

    def __str__(self) -> str:
        return f"{self.key} {self.version} {self.event}"
