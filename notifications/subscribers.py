"""Sends messages when orders are placed, cancelled or shipped.

Jobs, because a mail server is slow and sometimes away; ordered, because a confirmation must not
follow its cancellation; not atomic, because no transaction may stay open while a server answers.
E-mail and SMS are two subscriptions: neither waits for the other's server.
"""

import carveout
from notifications import services
from notifications.lookups import OrderToTell
from notifications.models import Kind

KINDS = {
    "orders.OrderCreated": Kind.CONFIRMATION,
    "orders.OrderCancelled": Kind.CANCELLATION,
    "orders.OrderShipped": Kind.SHIPPING,
}
# A server may be down for hours; it is tried again at least every half minute. No customer wants
# last year's mail again, so these are not replayed by mistake.
PATIENCE = {"max_attempts": 2_000, "retry_cap_s": 30.0, "replayable": False}


@carveout.subscribe(*KINDS, via="rq", ordered=True, atomic=False, **PATIENCE)
def tell_by_email(event, order: OrderToTell) -> None:
    """Notify the customer by e-mail."""
    services.tell_by_email(KINDS[event.type], order)


def has_phone(order: OrderToTell) -> bool:
    """Whether there is a number to send an SMS to."""
    return bool(order.phone)


@carveout.subscribe(*KINDS, via="rq", ordered=True, atomic=False, when=has_phone, **PATIENCE)
def tell_by_sms(event, order: OrderToTell) -> None:
    """Notify the customer by SMS, if the order has a phone number."""
    services.tell_by_sms(KINDS[event.type], order)
