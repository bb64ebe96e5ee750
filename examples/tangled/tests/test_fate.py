"""What becomes of an order after it was placed."""

import pytest

from catalogue.models import Product
from orders import services
from orders.errors import StatusForbids
from reviews.models import VerifiedCustomer


@pytest.fixture
def order(maria, product):
    return services.place_order(maria, {product.sku: 2})


def subjects(mailoutbox) -> list[str]:
    return [message.subject.split(" A-")[0] for message in mailoutbox]


def test_cancelling_puts_the_goods_back_and_takes_the_badge(browser, order, mailoutbox):
    browser.post(f"/orders/{order.number}/cancel/")
    services.cancel_order(order.number, "again")
    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "by the customer")
    assert Product.objects.get().stock == 5
    assert not VerifiedCustomer.objects.exists()
    assert subjects(mailoutbox) == ["We have your order", "Your order"]


def test_a_badge_stays_as_long_as_one_order_proves_it(maria, order, product):
    second = services.place_order(maria, {product.sku: 1})
    services.cancel_order(order.number, "by the shop")
    assert VerifiedCustomer.objects.get().orders.get() == second


def test_who_got_the_goods_is_asked_for_a_review(order, mailoutbox):
    services.ship_order(order.number)
    assert mailoutbox[-2].body.count("/CD-0001/reviews/write/") == 1
    assert subjects(mailoutbox)[1:] == ["How did you like your order", "Your order"]


def test_what_was_shipped_is_not_cancelled(order):
    services.ship_order(order.number)
    with pytest.raises(StatusForbids):
        services.cancel_order(order.number, "by the shop")
    with pytest.raises(StatusForbids):
        services.ship_order(order.number)


def test_who_waits_hears_that_a_product_is_here_again(browser, order, product, mailoutbox):
    Product.objects.update(stock=0)
    assert "Tell me" in browser.get("/CD-0001/").content.decode()
    browser.post("/notifications/alert/CD-0001/")
    services.cancel_order(order.number, "by the shop")
    assert "Kind of Blue is here again" in subjects(mailoutbox)
    assert not product.alerts.exists()


def test_staff_send_a_confirmation_again_and_customers_can_not(office, browser, order, mailoutbox):
    path = f"/notifications/resend/{order.number}/"
    assert browser.post(path).status_code == 403
    assert office.post(path).url == f"/orders/{order.number}/"
    assert subjects(mailoutbox) == ["We have your order"] * 2
