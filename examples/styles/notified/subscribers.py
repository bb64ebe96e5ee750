import carveout

from .lookups import OrderToCount
from .models import Entry


@carveout.subscribe("orders.OrderCreated", "orders.OrderCancelled")
def count(event, order: OrderToCount) -> None:
    """Write down what an order is worth now."""
    Entry.write(order.number, order.customer_id, order.total, order.status)
