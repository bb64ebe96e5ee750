"""E-mail: composing it, and handing it to the SMTP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from notifications.models import Kind, StockAlert

if TYPE_CHECKING:
    from notifications.lookups import OrderToTell

SUBJECTS = {
    Kind.CONFIRMATION: "We have your order {number}",
    Kind.CANCELLATION: "Your order {number} was cancelled",
    Kind.SHIPPING: "Your order {number} is on its way",
    Kind.INVITATION: "How did you like your order {number}?",
}


def send(kind: Kind, order: OrderToTell) -> None:
    path = reverse("orders:order", args=[order.number])
    text = render_to_string(f"notifications/{kind.value}.txt", {"order": order, "path": path})
    send_mail(SUBJECTS[kind].format(number=order.number), text, None, [order.email])


def send_alert(alert: StockAlert) -> None:
    subject = f"{alert.product.name} is here again"
    text = render_to_string("notifications/alert.txt", {"alert": alert})
    send_mail(subject, text, None, [alert.customer.email])
