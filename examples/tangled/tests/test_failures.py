"""What goes wrong because so much hangs together. None of this is wanted; all of it is so."""

import socket
import sqlite3

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection

from catalogue.models import Product
from notifications.models import Notification
from orders import services
from orders.models import Order
from orders.signals import order_cancelled

MEANWHILE = []


class MeanwhileBackend(BaseEmailBackend):
    """While the mail server takes its time, somebody else changes the price of the product."""

    def send_messages(self, messages):
        other = sqlite3.connect(connection.settings_dict["NAME"], uri=True, timeout=0)
        try:
            other.execute("UPDATE catalogue_product SET price = price + 1")
        except sqlite3.OperationalError as error:
            MEANWHILE.append(str(error))
        finally:
            other.close()
        return len(messages)


@pytest.fixture
def mail_server_down(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = taken.getsockname()
        yield


def test_the_order_is_lost_when_the_mail_server_is_down(filled, mail_server_down):
    filled.raise_request_exception = False
    assert filled.post("/orders/checkout/").status_code == 500
    assert Order.objects.count() == Notification.objects.count() == 0
    assert Product.objects.get().stock == 5


def test_it_is_the_mail_server_that_fails_the_request(filled, mail_server_down):
    with pytest.raises(ConnectionRefusedError):
        filled.post("/orders/checkout/")


@pytest.mark.django_db(transaction=True)
def test_slow_mail_holds_the_lock_on_the_products(filled, settings):
    settings.EMAIL_BACKEND = f"{__name__}.MeanwhileBackend"
    MEANWHILE.clear()
    filled.post("/orders/checkout/")
    assert MEANWHILE == ["database table is locked"]


@pytest.fixture
def failing_receiver():
    def fail(**kwargs):
        raise RuntimeError

    order_cancelled.connect(fail)
    yield
    order_cancelled.disconnect(fail)


@pytest.mark.parametrize(("atomic_requests", "status"), [(False, "cancelled"), (True, "placed")])
def test_what_the_test_settings_keep_production_takes_back(
    browser, maria, product, failing_receiver, monkeypatch, atomic_requests, status
):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic_requests)
    browser.raise_request_exception = False
    order = services.place_order(maria, {product.sku: 1})
    assert browser.post(f"/orders/{order.number}/cancel/").status_code == 500
    order.refresh_from_db()
    assert order.status == status
