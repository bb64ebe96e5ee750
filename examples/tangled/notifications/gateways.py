"""SMS gateways. The setting `SMS_GATEWAY` names the class to use, by its dotted path."""

import logging

from django.conf import settings
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)


class LogGateway:
    """Writes that an SMS was sent to the log, and sends nothing. Numbers are personal: masked."""

    def send(self, phone: str, text: str) -> None:
        logger.info("SMS to …%s: %d characters", phone[-2:], len(text))


def current():
    """The gateway that the settings name."""
    return import_string(settings.SMS_GATEWAY)()
