"""SMS: sent through the gateway that the settings name, once, and only to whom left a number."""

import logging

import pytest

from notifications import services
from notifications.errors import NotAccepted
from notifications.models import Kind, Notification
from tests.integration.test_notifications_mail import order

pytestmark = pytest.mark.django_db


class RecordingGateway:
    sent = []

    def send(self, phone, text, reference):
        self.sent.append((phone, text, reference))


class RefusingGateway:
    def send(self, phone, text, reference):
        raise NotAccepted("Out of credit")


@pytest.fixture
def gateway(settings):
    settings.NOTIFICATIONS_SMS_GATEWAY = f"{__name__}.RecordingGateway"
    RecordingGateway.sent = []
    return RecordingGateway


def test_an_order_without_a_phone_gets_no_sms(gateway):
    services.tell_by_sms(Kind.CONFIRMATION, order())
    assert gateway.sent == []
    assert not Notification.objects.exists()


def test_an_sms_is_sent_once_with_a_stable_reference(gateway):
    for _ in range(2):
        services.tell_by_sms(Kind.SHIPPING, order(phone="+441234"))
    assert gateway.sent == [
        ("+441234", "Your order A-1 is on its way to you.", "A-1.shipping"),
    ]
    row = Notification.objects.get()
    assert (row.channel, row.recipient, row.status) == ("sms", "+441234", "sent")


def test_an_sms_that_the_gateway_refuses_waits(settings):
    settings.NOTIFICATIONS_SMS_GATEWAY = f"{__name__}.RefusingGateway"
    with pytest.raises(NotAccepted):
        services.tell_by_sms(Kind.CONFIRMATION, order(phone="+441234"))
    assert Notification.objects.get().status == "waiting"


def test_the_gateway_for_development_keeps_each_sms_or_refuses_it(settings, tmp_path):
    settings.NOTIFICATIONS_SMS_GATEWAY = "notifications.gateways.FileGateway"
    settings.NOTIFICATIONS_SMS_DIR = tmp_path / "sms"
    with pytest.raises(NotAccepted, match="can't be used: No such file"):
        services.tell_by_sms(Kind.SHIPPING, order(phone="+441234"))
    settings.NOTIFICATIONS_SMS_DIR.mkdir()
    services.tell_by_sms(Kind.SHIPPING, order(phone="+441234"))
    (kept,) = settings.NOTIFICATIONS_SMS_DIR.iterdir()
    assert kept.name.endswith("-A-1.shipping.txt")
    assert kept.read_text() == "To: +441234\n\nYour order A-1 is on its way to you.\n"


def test_email_and_sms_of_one_kind_are_two_notifications(gateway):
    services.tell_by_email(Kind.CONFIRMATION, order(phone="+441234"))
    services.tell_by_sms(Kind.CONFIRMATION, order(phone="+441234"))
    assert Notification.objects.count() == 2


def test_the_default_gateway_logs_no_number(settings, caplog):
    del settings.NOTIFICATIONS_SMS_GATEWAY  # ours for development
    with caplog.at_level(logging.INFO, logger="notifications.gateways"):
        services.tell_by_sms(Kind.CONFIRMATION, order(phone="+441234567"))
    assert "A-1.confirmation" in caplog.text
    assert "1234567" not in caplog.text
