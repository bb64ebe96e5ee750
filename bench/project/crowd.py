"""Many subscriptions to the same events, each of which stores a row for an event."""

from effect import EffectRow, values

import carveout


def subscribe(count: int, module: str, effect: type[EffectRow]) -> None:
    """Batch handlers: the less a handler costs, the more is seen of what surrounds it."""
    for number in range(count):

        def store(events):
            effect.objects.bulk_create(
                [effect(**values(event.id, event.key, event.number)) for event in events]
            )

        store.__module__, store.__name__ = module, f"store_{number}"
        carveout.subscribe("source.OrderPlaced", batch=True)(store)
