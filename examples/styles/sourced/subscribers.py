from decimal import Decimal

import carveout

from .models import Entry


@carveout.subscribe("orders.OrderOpened", "orders.OrderClosed", ordered=True)
def count(event) -> None:
    """Follow an order from event to event."""
    if event.type == "orders.OrderOpened":
        Entry.write(event.order_number, event.customer_id, Decimal(event.total), "placed")
    else:
        Entry.objects.filter(number=event.order_number).update(amount=0)
