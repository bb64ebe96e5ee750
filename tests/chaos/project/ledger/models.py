"""Accounts, and the entries in them."""

from django.db import models


class Account(models.Model):
    """One key. Its entries are numbered without a gap."""

    key = models.CharField(max_length=20, unique=True)
    entries = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.key


class Entry(models.Model):
    """What was really committed; the checker compares everything with it."""

    key = models.CharField(max_length=20)
    number = models.IntegerField()
    closing = models.BooleanField()
    event_id = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "number"], name="one_entry")]

    def __str__(self) -> str:
        return f"{self.key} {self.number}"


class Remark(models.Model):
    """What a handler of another context wrote here, outside of its own transaction."""

    subscription = models.CharField(max_length=20)
    key = models.CharField(max_length=20)
    number = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.subscription} {self.key} {self.number}"
