"""One event at a time."""

from effect import values
from single.models import Effect

import carveout

FAILING = 50
fails = False
"""Does one event of a hundred raise?"""


@carveout.subscribe("source.OrderPlaced")
def store(event):
    if fails and event.number % 100 == FAILING:
        raise ValueError("one of a hundred")
    Effect.objects.create(**values(event.id, event.key, event.number))
