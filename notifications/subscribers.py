"""What notifications hears: orders were placed, cancelled, shipped.

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
# Mail servers are away for hours, not for minutes: more tries than the kit's default.
MAX_ATTEMPTS = 20


@carveout.subscribe(*KINDS, via="rq", ordered=True, atomic=False, max_attempts=MAX_ATTEMPTS)
def tell_by_email(event, order: OrderToTell) -> None:
    """Tell the customer by e-mail."""
    services.tell_by_email(KINDS[event.type], order)


@carveout.subscribe(*KINDS, via="rq", ordered=True, atomic=False, max_attempts=MAX_ATTEMPTS)
def tell_by_sms(event, order: OrderToTell) -> None:
    """Tell the customer by SMS, if the order has a phone number."""
    services.tell_by_sms(KINDS[event.type], order)
