"""What notifications does when something happened to an order."""

import carveout
from notifications import services
from notifications.lookups import OrderToTell
from notifications.models import Kind

# They reach a mail server: outside of transactions, and never again for old events.
OUTSIDE = {"via": "rq", "atomic": False, "ordered": True, "replayable": False}

KINDS = {
    "orders.OrderPlaced": Kind.CONFIRMATION,
    "orders.OrderCancelled": Kind.CANCELLATION,
    "orders.OrderShipped": Kind.SHIPPING,
}


@carveout.subscribe("orders.OrderShipped", **OUTSIDE)
def invite(event, order: OrderToTell):
    """Who got the goods is asked what they think of them."""
    services.tell(Kind.INVITATION, order)


@carveout.subscribe(*KINDS, **OUTSIDE)
def tell(event, order: OrderToTell):
    services.tell(KINDS[event.type], order)
