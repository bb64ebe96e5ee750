"""All events of a batch at once."""

from bulk.models import Effect
from effect import values

import carveout


@carveout.subscribe("source.OrderPlaced", batch=True)
def store(events):
    Effect.objects.bulk_create(
        [Effect(**values(event.id, event.key, event.number)) for event in events]
    )
