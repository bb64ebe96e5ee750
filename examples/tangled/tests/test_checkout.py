import pytest

from catalogue.models import Product
from notifications.models import Notification
from orders import services
from orders.errors import OutOfStock
from orders.models import Order
from reviews.models import VerifiedCustomer


def test_an_order_takes_from_the_stock_tells_the_customer_and_proves_a_purchase(
    filled, maria, product, mailoutbox
):
    answer = filled.post("/orders/checkout/", {"phone": "+49 30 901820"}, follow=True)
    order = Order.objects.get()
    assert order.number in answer.content.decode()
    assert (order.customer, str(order.total)) == (maria, "19.80")
    assert Product.objects.get().stock == 3
    assert [message.to for message in mailoutbox] == [["maria@example.com"]]
    assert "2 x Kind of Blue: 19.80" in mailoutbox[0].body
    assert sorted(order.notifications.values_list("channel", flat=True)) == ["email", "sms"]
    assert VerifiedCustomer.objects.get(customer=maria, product=product).orders.get() == order
    assert "It is empty" in filled.get("/orders/basket/").content.decode()


def test_more_than_is_there_is_not_sold(maria, product, mailoutbox):
    with pytest.raises(OutOfStock):
        services.place_order(maria, {product.sku: 6})
    assert Order.objects.count() == Notification.objects.count() == len(mailoutbox) == 0


def test_the_customer_reads_why(browser, product):
    browser.post("/orders/basket/", {"sku": product.sku, "quantity": 6})
    answer = browser.post("/orders/checkout/", follow=True)
    assert "There are not 6 of CD-0001." in answer.content.decode()


def test_nobody_sees_the_orders_of_others(browser, django_user_model, product):
    other = django_user_model.objects.create_user("jo", "jo@example.com")
    order = services.place_order(other, {product.sku: 1})
    assert browser.get(f"/orders/{order.number}/").status_code == 404
    assert order.number not in browser.get("/orders/").content.decode()


def test_bestsellers_do_not_count_what_was_cancelled(client, maria, product):
    services.place_order(maria, {product.sku: 2})
    gone = services.place_order(maria, {product.sku: 1})
    services.cancel_order(gone.number, "by the shop")
    assert "Kind of Blue: 2 sold" in client.get("/").content.decode()
