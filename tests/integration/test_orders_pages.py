"""Basket, checkout and order pages as a browser meets them."""

import re

import pytest
from django.core import signing
from django.core.management import call_command
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken

import carveout
from carveout.errors import LookupUnavailable
from orders import services
from orders.lines import WantedLine
from orders.models import Order

BASKET = "/orders/basket/"
CHANGE = "/orders/basket/change/"
CHECKOUT = "/orders/checkout/"


@pytest.fixture(autouse=True)
def catalogue(db):
    call_command("seed", verbosity=0)


def browser_of(customer_id: str, *, is_staff: bool = False) -> Client:
    token = AccessToken()
    token["user_id"] = customer_id
    token["email"] = f"{customer_id}@example.com"
    token["name"] = customer_id
    token["is_staff"] = is_staff
    browser = Client()
    browser.cookies["customer"] = str(token)
    return browser


@pytest.fixture
def ada() -> Client:
    return browser_of("ada")


def fill(browser, sku="CD-01", quantity=2):
    return browser.post(BASKET, {"sku": sku, "quantity": quantity})


def token_of(browser) -> str:
    page = browser.get(CHECKOUT).content.decode()
    return re.search(r'name="token" value="([^"]+)"', page)[1]


def submit(browser, token, **fields):
    return browser.post(CHECKOUT, {"token": token, **fields})


def content_of(browser) -> dict:
    return signing.loads(browser.cookies["basket"].value, salt="orders.basket")


def placed(customer_id="ada") -> Order:
    line = WantedLine("CD-01", 1)
    return services.place_order(customer_id, f"{customer_id}@example.com", [line])[0]


def test_a_visitor_fills_changes_and_empties_a_basket():
    visitor = Client()
    assert fill(visitor).headers["Location"] == BASKET
    fill(visitor, quantity=1)
    fill(visitor, sku="CD-02", quantity=1)
    assert content_of(visitor) == {"CD-01": 3, "CD-02": 1}
    visitor.post(CHANGE, {"sku": "CD-01", "quantity": 5})
    visitor.post(CHANGE, {"sku": "CD-02", "quantity": 0})
    assert content_of(visitor) == {"CD-01": 5}
    page = visitor.get(BASKET).content.decode()
    assert 'value="5"' in page
    assert "Go to checkout" in page


def test_a_price_is_told_once_for_one_piece():
    visitor = Client()
    fill(visitor, quantity=1)
    page = visitor.get(BASKET).content.decode()
    assert page.count("$7.99") == 2  # and the total
    assert "$7.99 each" not in page
    fill(visitor, quantity=1)
    page = visitor.get(BASKET).content.decode()
    assert "$7.99 each" in page
    assert page.count("$15.98") == 2


def test_the_basket_cookie_is_kept_from_scripts():
    visitor = Client()
    fill(visitor)
    cookie = visitor.cookies["basket"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_forged_basket_is_an_empty_one():
    visitor = Client()
    visitor.cookies["basket"] = signing.dumps({"CD-01": 1}, salt="another")
    assert "Your basket is empty" in visitor.get(BASKET).content.decode()


@pytest.mark.parametrize(
    ("sku", "quantity"),
    [("CD-01", 0), ("CD-01", -1), ("CD-01", 10**9), ("CD-01", "x"), ("", 1), ("C D", 1)],
)
def test_a_basket_takes_no_nonsense(sku, quantity):
    visitor = Client()
    answer = fill(visitor, sku, quantity)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert "basket" not in visitor.cookies


def test_a_basket_stops_at_what_an_order_takes():
    visitor = Client()
    fill(visitor, quantity=100)
    fill(visitor, quantity=100)
    assert content_of(visitor) == {"CD-01": 100}


def test_a_product_that_is_gone_is_named_and_not_ordered(ada):
    fill(ada, sku="CD-01", quantity=1)
    fill(ada, sku="CD-99", quantity=1)
    assert "don't sell this" in ada.get(BASKET).content.decode()
    answer = submit(ada, token_of(ada))
    assert answer.status_code == 400
    assert "Unknown product." in answer.content.decode()
    assert not Order.objects.exists()


def test_checkout_asks_for_a_sign_in_and_comes_back():
    visitor = Client()
    fill(visitor)
    assert visitor.get(CHECKOUT).headers["Location"] == f"/sign-in/?next={CHECKOUT}"
    assert submit(visitor, "x" * 20).headers["Location"] == f"/sign-in/?next={CHECKOUT}"
    assert not Order.objects.exists()


def test_an_empty_basket_has_no_checkout(ada):
    assert ada.get(CHECKOUT).headers["Location"] == BASKET


def test_checkout_places_the_order_and_empties_the_basket(ada):
    fill(ada)
    answer = submit(ada, token_of(ada), phone="+44 123456")
    order = Order.objects.get()
    assert answer.headers["Location"] == f"/orders/{order.number}/"
    assert (order.customer_id, order.email, order.phone) == (
        "ada",
        "ada@example.com",
        "+44 123456",
    )
    assert order.lines.get().quantity == 2
    assert content_of(ada) == {}


def test_a_form_submitted_twice_places_one_order(ada):
    fill(ada)
    token, basket = token_of(ada), ada.cookies["basket"].value
    first = submit(ada, token)
    ada.cookies["basket"] = basket  # the second click left before the first answer came
    second = submit(ada, token)
    third = submit(ada, token)  # after it: the basket is empty now
    assert Order.objects.count() == 1
    assert {answer.headers["Location"] for answer in (first, second, third)} == {
        f"/orders/{Order.objects.get().number}/"
    }


def test_an_old_form_does_not_order_what_is_in_the_basket_now(ada):
    fill(ada)
    token = token_of(ada)
    submit(ada, token)
    fill(ada, sku="CD-02", quantity=1)
    submit(ada, token)
    assert Order.objects.count() == 1
    assert content_of(ada) == {"CD-02": 1}


@pytest.mark.parametrize("fields", [{"token": ""}, {"token": "x" * 20, "phone": "call me"}])
def test_a_checkout_form_with_mistakes_is_shown_again(ada, fields):
    fill(ada)
    answer = ada.post(CHECKOUT, fields)
    assert answer.status_code == 400
    assert ('id="id_phone_error"' in answer.content.decode()) == ("phone" in fields)
    assert not Order.objects.exists()


def test_a_form_without_its_csrf_token_is_refused():
    strict = Client(enforce_csrf_checks=True)
    assert fill(strict).status_code == 403


def test_a_shop_that_does_not_answer_gets_a_friendly_503(ada, monkeypatch):
    fill(ada)
    token = token_of(ada)

    def unavailable(*_):
        raise LookupUnavailable

    monkeypatch.setattr(carveout, "look_up_many", unavailable)
    for answer in (ada.get(BASKET), ada.get(CHECKOUT), submit(ada, token)):
        assert answer.status_code == 503
        assert int(answer["Retry-After"]) > 0
        assert "Nothing was ordered" in answer.content.decode()
    assert not Order.objects.exists()
    assert content_of(ada) == {"CD-01": 2}


def test_the_list_shows_ones_own_orders(ada):
    own, foreign = placed(), placed("bob")
    page = ada.get("/orders/").content.decode()
    assert own.number in page
    assert foreign.number not in page


def test_the_list_has_pages(ada):
    for _ in range(21):
        placed()
    assert "Older" in ada.get("/orders/").content.decode()
    assert "Newer" in ada.get("/orders/", {"page": 2}).content.decode()


def test_the_order_page_pulls_in_what_the_others_know(ada):
    order = placed()
    page = ada.get(f"/orders/{order.number}/").content.decode()
    for context in ("stock", "notifications", "reviews"):
        assert f'hx-get="/{context}/orders/{order.number}/"' in page
    assert f'hx-get="/orders/{order.number}/status/"' in page
    assert order.lines.get().name in page
    assert str(order.total) in page
    assert re.findall(r'class="context">(\w+)<', page) == [
        "orders",
        "shop",
        "notifications",
        "reviews",
    ]


def test_the_order_page_leads_staff_to_the_story_and_the_map(ada):
    order = placed()
    story = f'href="/admin/carveout/story/?q={order.number}"'
    whole_map = 'href="/admin/carveout/map/?after=orders.OrderCreated"'
    page = browser_of("root", is_staff=True).get(f"/orders/{order.number}/").content.decode()
    assert story in page
    assert whole_map in page
    assert "/admin/carveout/" not in ada.get(f"/orders/{order.number}/").content.decode()


def test_pages_of_anothers_order_are_not_found(ada):
    number = placed("bob").number
    for path in (f"/orders/{number}/", f"/orders/{number}/status/", "/orders/A-NOWHERE/"):
        assert ada.get(path).status_code == 404
    assert ada.post(f"/orders/{number}/cancel/").status_code == 404
    assert browser_of("root", is_staff=True).get(f"/orders/{number}/").status_code == 200


def test_order_pages_ask_for_a_sign_in():
    number = placed().number
    for path in ("/orders/", f"/orders/{number}/", f"/orders/{number}/status/"):
        assert Client().get(path).headers["Location"] == f"/sign-in/?next={path}"


def test_the_status_is_polled_until_nothing_can_change(ada):
    order = placed()
    path = f"/orders/{order.number}/status/"
    assert ada.get(path, headers={"HX-Request": "true"}).status_code == 200
    services.cancel_order(order.number, "out of stock")
    answer = ada.get(path, headers={"HX-Request": "true"})
    assert answer.status_code == 286
    assert "out of stock" in answer.content.decode()
    assert "Cancel this order" not in answer.content.decode()


def test_the_customer_cancels_on_the_page(ada):
    order = placed()
    answer = ada.post(f"/orders/{order.number}/cancel/")
    assert answer.headers["Location"] == f"/orders/{order.number}/"
    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "by the customer")


def test_a_shipped_order_is_not_cancelled_on_the_page(ada):
    order = placed()
    services.mark_reserved(order.number)
    services.ship_order(order.number)
    answer = ada.post(f"/orders/{order.number}/cancel/")
    assert answer.status_code == 409
    assert "was shipped" in answer.content.decode()
