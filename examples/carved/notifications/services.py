"""Telling customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifications import gateways, mail
from notifications.models import Channel, Kind, Notification, StockAlert

if TYPE_CHECKING:
    from catalogue.models import Product
    from notifications.lookups import OrderToTell


def tell(kind: Kind, order: OrderToTell) -> None:
    """Send the e-mail of this kind, and an SMS to customers who left a phone number."""
    mail.send(kind, order)
    note(kind, Channel.EMAIL, order, order.email)
    if order.phone:
        gateways.current().send(order.phone, f"Order {order.number}: {kind.label}")
        note(kind, Channel.SMS, order, order.phone)


def note(kind: Kind, channel: Channel, order: OrderToTell, recipient: str) -> None:
    Notification.objects.create(
        order_id=order.id,
        customer_id=order.customer_id,
        kind=kind,
        channel=channel,
        recipient=recipient,
    )


def tell_of_stock(product: Product) -> None:
    """Tell those who wait for a product that it can be bought, once."""
    for alert in StockAlert.objects.filter(product=product).select_related("customer"):
        mail.send_alert(alert)
        alert.delete()
