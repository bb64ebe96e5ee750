"""Reserves and releases stock when orders are created or cancelled."""

import carveout
from shop.catalogue import services
from shop.catalogue.lookups import OrderToReserve


@carveout.subscribe("orders.OrderCreated", "orders.OrderCancelled", ordered=True)
def keep_stock(event: carveout.ReceivedEvent, order: OrderToReserve) -> None:
    """Reserves stock for a new order, and releases it for a cancelled one.

    Ordered: a cancellation that overtook a creation waiting for its retry would release nothing.
    """
    if event.type == "orders.OrderCreated":
        services.reserve(order)
    else:
        services.release(order)
