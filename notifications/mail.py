"""Composes e-mail and hands it to the SMTP server."""

import smtplib
from contextlib import suppress

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from notifications.errors import NotAccepted
from notifications.lookups import OrderToTell
from notifications.models import Kind

SUBJECTS = {
    Kind.CONFIRMATION: "We have your order {number}",
    Kind.CANCELLATION: "Your order {number} was cancelled",
    Kind.SHIPPING: "Your order {number} is on its way",
}


def compose(kind: Kind, order: OrderToTell, message_id: str) -> EmailMultiAlternatives:
    """The e-mail of this kind, as text and as HTML.

    The order is as it is *now*, which may be later than the event: a confirmation may be about
    an order that was cancelled meanwhile. The templates say only what stays true.
    """
    context = {"order": order}
    subject = SUBJECTS[kind].format(number=order.number)
    text = render_to_string(f"notifications/mail/{kind.value}.txt", context)
    message = EmailMultiAlternatives(
        subject, text, to=[order.email], headers={"Message-ID": message_id}
    )
    html = render_to_string(f"notifications/mail/{kind.value}.html", context)
    message.attach_alternative(html, "text/html")
    return message


def send(message: EmailMultiAlternatives) -> None:
    """Hand the message to the server.

    Raises: NotAccepted: no connection, or the server said no. Any other error: not known.
    """
    message.connection = message.get_connection()
    try:
        message.connection.open()
    except OSError as error:
        raise NotAccepted(f"The mail server can't be used: {error}") from error
    try:
        message.send()
    except (OSError, ValueError) as error:
        if was_refused(error):
            # No address in the text, because failures are grouped by it.
            reason = getattr(error, "smtp_code", type(error).__name__)
            raise NotAccepted(f"The mail server refused the message: {reason}") from error
        raise
    finally:
        with suppress(OSError):  # the outcome is known by now; a failed QUIT changes nothing
            message.connection.close()


def was_refused(error: Exception) -> bool:
    """Whether the error proves that the server did not take the message.

    An answer of 400 or above does (RFC 5321, 4.2.1), and so does what fails before anything is
    sent. A lost connection or silence after DATA does not.
    """
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 400
    before_data = (smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError, ValueError)
    return isinstance(error, before_data)
