"""What the handlers leave behind."""

import os

from django.conf import settings
from django.db import models

import carveout


class Effect(models.Model):
    """One call of one handler that was committed. Nothing here keeps it from happening twice."""

    subscription = models.CharField(max_length=20)
    event_id = models.UUIDField()
    key = models.CharField(max_length=20)
    number = models.IntegerField()
    process = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.subscription} {self.key} {self.number}"


class Once(models.Model):
    """A row that there can only be one of."""

    name = models.CharField(max_length=20, unique=True)

    def __str__(self) -> str:
        return self.name


if "copies" in settings.KINDS:

    class Card(
        carveout.Copy,
        of="cards.card",
        key="key",
        on=["cards.CardAdded", "cards.CardChanged", "cards.CardRemoved"],
    ):
        """What the audit keeps of cards."""

        key = models.CharField(primary_key=True, max_length=20)
        version = models.IntegerField()

        def __str__(self) -> str:
            return f"{self.key} {self.version}"


def effect(subscription: str, event: carveout.ReceivedEvent) -> Effect:
    return Effect(
        subscription=subscription,
        event_id=event.id,
        key=event.account,
        number=event.number,
        process=os.getpid(),
    )
