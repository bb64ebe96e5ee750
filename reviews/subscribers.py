"""What reviews hears: orders were placed and cancelled.

A placing that failed and waits for its next try does not hold up the cancellation after it. That
does no harm: a cancelled order is remembered, and placing it afterwards proves nothing.
"""

import carveout
from reviews import verification
from reviews.lookups import OrderToVerify

CREATED, CANCELLED = "orders.OrderCreated", "orders.OrderCancelled"


@carveout.subscribe(CREATED, CANCELLED, batch=True)
def mark_verified(deliveries: list[tuple[carveout.ReceivedEvent, OrderToVerify]]) -> None:
    """Mark customers as verified, and unmark them when the order is cancelled."""
    verification.settle(
        placed=[order for event, order in deliveries if event.type == CREATED],
        cancelled=[order for event, order in deliveries if event.type == CANCELLED],
    )
