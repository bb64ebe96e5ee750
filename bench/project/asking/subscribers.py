"""One event at a time, with its order: in a consumer, and in jobs."""

from asking.lookups import WholeOrder
from asking.models import Effect
from effect import values

import carveout


@carveout.subscribe("source.OrderPlaced")
def store(event, order: WholeOrder):
    Effect.objects.create(**values(event.id, order.number, event.number))


@carveout.subscribe("source.OrderPaid", via="rq")
def store_in_job(event, order: WholeOrder):
    Effect.objects.create(**values(event.id, order.number, 0))
