"""SMS gateways. `NOTIFICATIONS_SMS_GATEWAY` names the class to use, by its dotted path."""

import logging
import time
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.module_loading import import_string

from notifications.errors import NotAccepted
from notifications.lookups import OrderToTell
from notifications.models import Kind

DEFAULT = "notifications.gateways.LogGateway"
logger = logging.getLogger(__name__)


class Gateway(Protocol):
    """Hands a text to an SMS provider."""

    def send(self, phone: str, text: str, reference: str) -> None:
        """Send the text. `reference` is the same at each try, for providers that refuse duplicates.

        Raises: NotAccepted: the provider certainly did not take it. Any other error: not known.
        """


class LogGateway:
    """Logs the SMS and sends nothing. The phone number is masked, because it is personal data."""

    def send(self, phone: str, text: str, reference: str) -> None:
        logger.info("SMS %s to …%s: %d characters", reference, phone[-2:], len(text))


class FileGateway:
    """Keeps each SMS as a file, for development. The folder is `NOTIFICATIONS_SMS_DIR`."""

    def send(self, phone: str, text: str, reference: str) -> None:
        unfinished = Path(settings.NOTIFICATIONS_SMS_DIR) / f"{time.time_ns()}-{reference}.part"
        try:
            unfinished.write_text(f"To: {phone}\n\n{text}\n")
            unfinished.rename(unfinished.with_suffix(".txt"))
        except OSError as error:
            raise NotAccepted(f"The SMS gateway can't be used: {error.strerror}") from error


def current() -> Gateway:
    """The gateway that the settings name."""
    return import_string(getattr(settings, "NOTIFICATIONS_SMS_GATEWAY", DEFAULT))()


def compose(kind: Kind, order: OrderToTell) -> str:
    """The text of this kind, in one line."""
    return render_to_string(f"notifications/sms/{kind.value}.txt", {"order": order}).strip()
