"""An order's way through the kit: its e-mails leave in order, its badges come and go."""

import pytest
from django.core.management import call_command
from django.utils import timezone

from carveout.errors import HandlerFailed
from carveout.models import Delivery
from carveout.testing import drain
from notifications.models import Notification
from orders import services
from orders.lines import WantedLine
from orders.models import Order
from reviews.models import VerifiedCustomer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop(settings, smtp):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", smtp.port
    call_command("seed", verbosity=0)


def place(phone="") -> str:
    lines = [WantedLine("CD-01", 2), WantedLine("CD-02", 1)]
    order, _ = services.place_order("7", "ada@example.com", lines, phone=phone)
    return order.number


def test_an_order_sends_one_email_and_one_sms_and_verifies_its_customer(smtp):
    number = place(phone="+44 123456")
    drain()
    drain()
    assert [message["Subject"] for message in smtp.messages] == [f"We have your order {number}"]
    assert set(Notification.objects.values_list("channel", "status")) == {
        ("email", "sent"),
        ("sms", "sent"),
    }
    assert set(VerifiedCustomer.objects.values_list("customer_id", "sku")) == {
        ("7", "CD-01"),
        ("7", "CD-02"),
    }


def test_a_cancellation_is_told_after_the_confirmation_and_takes_the_badges(smtp):
    number = place()
    services.cancel_order(number, "changed my mind")
    drain()
    assert [message["Message-ID"].split(".")[1].split("@")[0] for message in smtp.messages] == [
        "confirmation",
        "cancellation",
    ]
    assert not VerifiedCustomer.objects.exists()


@pytest.mark.parametrize("behaviour", ["refuse", "slow", "drop"])
def test_a_mail_server_in_trouble_touches_no_order_and_its_email_is_sent_later(
    smtp, settings, behaviour
):
    settings.EMAIL_TIMEOUT = 0.3
    smtp.behaviour, smtp.delay_s = behaviour, 0.6
    number = place()
    with pytest.raises(HandlerFailed):
        drain()
    assert Order.objects.get(number=number).status == "reserved"
    assert VerifiedCustomer.objects.count() == 2
    smtp.behaviour = "accept"
    Delivery.objects.update(attempts=0, claimed_until=None, due_at=timezone.now())
    drain()
    told = Notification.objects.get()
    assert told.status == "sent"
    # After silence nobody knows whether the first was taken: the second has the same Message-ID.
    assert told.ambiguous == (behaviour != "refuse")
    assert {message["Message-ID"] for message in smtp.messages} == {told.message_id}
    assert not Delivery.objects.exists()


def test_with_the_mail_server_down_the_order_stands_and_its_emails_follow_in_order(smtp):
    smtp.stop()
    number = place()
    with pytest.raises(HandlerFailed):
        drain()
    assert VerifiedCustomer.objects.count() == 2  # reviews did not wait for the mail server
    services.cancel_order(number, "changed my mind")
    with pytest.raises(
        HandlerFailed, match=r"OrderCancelled .* waits behind the event of the same"
    ):
        drain()
    assert not VerifiedCustomer.objects.exists()
    assert Notification.objects.get().kind == "confirmation"  # the cancellation waits behind it

    smtp.start()
    Delivery.objects.update(attempts=0, claimed_until=None, due_at=timezone.now())
    drain()
    subjects = [message["Subject"] for message in smtp.messages]
    assert subjects == [f"We have your order {number}", f"Your order {number} was cancelled"]
    assert not Notification.objects.filter(ambiguous=True).exists()
    assert not Delivery.objects.exists()
