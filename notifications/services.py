"""What notifications does: one message per order, kind and channel."""

from collections.abc import Callable
from functools import partial

import carveout
from notifications import gateways, mail
from notifications.errors import NotAccepted
from notifications.lookups import OrderToTell
from notifications.models import Channel, Kind, Notification


def tell_by_email(kind: Kind, order: OrderToTell, again: bool = False) -> None:
    """Send the e-mail of this kind, once."""
    message = mail.compose(kind, order, message_id(order.number, kind, Channel.EMAIL))
    send_once(kind, Channel.EMAIL, order, order.email, partial(mail.send, message), again)


def tell_by_sms(kind: Kind, order: OrderToTell, again: bool = False) -> None:
    """Send the SMS of this kind, once, to customers who left a phone number."""
    if not order.phone:
        return
    gateway = gateways.current()
    text = gateways.compose(kind, order)
    reference = message_id(order.number, kind, Channel.SMS)
    send = partial(gateway.send, order.phone, text, reference)
    send_once(kind, Channel.SMS, order, order.phone, send, again)


def send_again(notification: Notification) -> None:
    """Sends a notification again on purpose, under its own Message-ID.

    Raises: LookupNotFound, LookupUnavailable; NotAccepted: the receiver refused it.
    """
    order = carveout.look_up(OrderToTell, notification.order_number)
    send = {Channel.EMAIL: tell_by_email, Channel.SMS: tell_by_sms}[notification.channel]
    send(Kind(notification.kind), order, again=True)


def send_once(
    kind: Kind,
    channel: Channel,
    order: OrderToTell,
    recipient: str,
    send: Callable[[], None],
    again: bool = False,
) -> None:
    """Claim, send, record: two small transactions with the sending between them.

    A process killed before the second leaves the row "sending"; the next try counts it as
    ambiguous and sends again with the same Message-ID. At least once, and never unnoticed.
    """
    identity = {"order_number": order.number, "kind": kind, "channel": channel}
    values = {
        "customer_id": order.customer_id,
        "recipient": recipient,
        "message_id": message_id(order.number, kind, channel),
    }
    notification = Notification.objects.claim(identity, values, again)
    if notification is None:
        return
    try:
        send()
    except NotAccepted:
        Notification.objects.refused(notification)
        raise
    Notification.objects.sent(notification)
    carveout.annotate(f"{kind.label.lower()} sent by {channel.label}")


def message_id(order_number: str, kind: Kind, channel: Channel) -> str:
    """The id of a message, the same at each attempt, so that a duplicate can be recognised."""
    name = f"{order_number}.{kind.value}"
    return f"<{name}@notifications.example.com>" if channel == Channel.EMAIL else name
