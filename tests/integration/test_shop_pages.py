"""Product pages and the stock fragment."""

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from shop.catalogue.models import Product, StockDecision

pytestmark = pytest.mark.django_db


@pytest.fixture
def cd():
    return Product.objects.create(
        sku="CD-77", name="<Tides>", artist="Harbour Nine", price="9.99", stock=3
    )


@pytest.fixture
def decision():
    return StockDecision.objects.create(order_number="A-1", customer_id="7", outcome="reserved")


def signed_in(client, user_id, is_staff=False):
    token = AccessToken()
    token["user_id"], token["is_staff"] = user_id, is_staff
    client.cookies["customer"] = str(token)
    return client


def test_the_list_shows_every_product(client, cd):
    page = client.get("/").content.decode()
    assert "&lt;Tides&gt;" in page
    assert "9.99" in page
    assert '/products/CD-77/"' in page


def test_the_list_is_searched_by_name_and_artist(client, cd):
    assert "Tides" in client.get("/?q=harbour").content.decode()
    nothing = client.get("/?q=zebra").content.decode()
    assert "Tides" not in nothing
    assert "Nothing found" in nothing
    assert client.get("/?q=%00&page=x").status_code == 200


def test_the_product_page_sells_and_pulls_the_reviews_in(client, cd):
    page = client.get("/products/CD-77/").content.decode()
    assert 'hx-get="/reviews/products/CD-77/"' in page
    assert 'action="/orders/basket/"' in page
    assert "csrfmiddlewaretoken" in page
    assert "3 in stock" in page


def test_a_large_stock_has_separators(client, cd):
    Product.objects.update(stock=19_950)
    assert "19,950 in stock" in client.get("/products/CD-77/").content.decode()


def test_an_unknown_product_is_404(client):
    assert client.get("/products/CD-00/").status_code == 404


def test_the_customer_and_staff_see_the_stock_of_an_order(client, decision):
    assert "Stock reserved" in signed_in(client, "7").get("/stock/orders/A-1/").content.decode()
    staff = signed_in(client, "1", is_staff=True)
    assert "Stock reserved" in staff.get("/stock/orders/A-1/").content.decode()


def test_others_cannot_tell_a_foreign_order_from_an_unknown_one(client, decision):
    stranger = signed_in(client, "8")
    foreign = stranger.get("/stock/orders/A-1/")
    unknown = stranger.get("/stock/orders/A-2/")
    assert foreign.content == unknown.content
    assert "Waiting" in foreign.content.decode()


def test_the_stock_fragment_needs_a_sign_in(client, decision):
    assert client.get("/stock/orders/A-1/").status_code == 403


@pytest.mark.parametrize(("outcome", "words"), [("short", "Not enough"), ("released", "released")])
def test_the_fragment_tells_every_outcome(client, decision, outcome, words):
    StockDecision.objects.update(outcome=outcome, released_at=decision.decided_at)
    assert words in signed_in(client, "7").get("/stock/orders/A-1/").content.decode()
