"""Changing cards, by the ORM and by plain SQL."""

import random

from django.db import connection
from django.db.models import F

from cards.models import Card, Change, Slot

CARDS = 60
REMOVED_SHARE = 0.3


def open_slots() -> None:
    Slot.objects.bulk_create([Slot(key=f"C-{n}") for n in range(CARDS)], ignore_conflicts=True)


def change_one() -> None:
    """Let a card come, change or go, in the open transaction."""
    key = f"C-{random.randrange(CARDS)}"
    Slot.objects.filter(key=key).update(version=F("version") + 1)  # locks it until the commit
    version = Slot.objects.values_list("version", flat=True).get(key=key)
    cards = Card.objects.filter(key=key)
    if not cards.exists():
        Card.objects.bulk_create([Card(key=key, version=version)])
        event = "CardAdded"
    elif random.random() < REMOVED_SHARE:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM cards_card WHERE key = %s", [key])
        event = "CardRemoved"
    else:
        cards.update(version=version)
        event = "CardChanged"
    Change.objects.create(key=key, version=version, event=event)
