"""Verifies customers when orders are placed, and takes that back when they are cancelled.

A creation that failed and waits for its retry does not hold up the cancellation after it. That
does no harm: a cancelled order is remembered, and its creation then proves nothing.
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
