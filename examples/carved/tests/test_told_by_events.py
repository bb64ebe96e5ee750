"""What is so now, in the place of what `test_failures` describes."""

import pytest

from carveout.errors import HandlerFailed
from carveout.testing import drain
from catalogue.models import Product
from notifications.models import Notification
from orders.models import Order
from tests import test_failures


@pytest.fixture
def mail_server_down(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens


@pytest.mark.usefixtures("mail_server_down")
def test_the_order_is_kept_when_the_mail_server_is_down(filled):
    with pytest.raises(HandlerFailed, match="ConnectionRefusedError"):  # the test is told
        filled.post("/orders/checkout/")
    assert Order.objects.count() == 1
    assert Product.objects.get().stock == 3


@pytest.mark.usefixtures("mail_server_down")
def test_the_mail_server_does_not_fail_the_request(filled, settings):
    settings.CARVEOUT = {**settings.CARVEOUT, "DELIVERY": "inline"}  # later, as in production
    assert filled.post("/orders/checkout/").url == f"/orders/{Order.objects.get().number}/"
    with pytest.raises(HandlerFailed, match="ConnectionRefusedError"):
        drain()
    assert not Notification.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_slow_mail_locks_nothing(filled, settings):
    settings.EMAIL_BACKEND = "tests.test_failures.MeanwhileBackend"
    test_failures.MEANWHILE.clear()
    filled.post("/orders/checkout/")
    assert test_failures.MEANWHILE == []
    assert Notification.objects.count() == 1
