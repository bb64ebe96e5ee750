"""Gives points for orders, and takes them back when an order is cancelled."""

import carveout
from loyalty.lookups import OrderToReward
from loyalty.models import Points


@carveout.subscribe("orders.OrderCreated", "orders.OrderCancelled")
def count_points(event, order: OrderToReward) -> None:
    """Count the points of an order as it is now."""
    points = 0 if order.status == "cancelled" else int(order.total)
    Points.objects.update_or_create(
        order_number=order.number, defaults={"customer_id": order.customer_id, "points": points}
    )
