import carveout

from .lookups import OrderToCount
from .models import Entry


@carveout.subscribe("orders.OrderPlacedInFull", "orders.OrderCancelledInFull", ordered=True)
def count(event, order: OrderToCount) -> None:
    """Write down what an order was worth when its event was published."""
    Entry.write(order.number, order.customer_id, order.total, order.status)
