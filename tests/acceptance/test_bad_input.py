"""Bad input through a real web: a 4xx that says field and reason, and nothing is written."""

import json
from contextlib import contextmanager

import jwt
import pytest

SHAPE = "together-sqlite"
ORDERS, REVIEWS = "/api/orders/", "/api/reviews/"
TABLES = (
    "orders_order",
    "orders_orderline",
    "reviews_review",
    "carveout_loggedevent",
)
MEGABYTE = 1024 * 1024


def order_of(sku="CD-01", quantity=1) -> dict:
    return {"lines": [{"sku": sku, "quantity": quantity}]}


def review(rating=5, text="Splendid") -> dict:
    return {"sku": "CD-01", "rating": rating, "text": text}


REFUSED = {
    "unknown product": (ORDERS, order_of(sku="CD-99"), "lines", "Unknown product"),
    "quantity 0": (ORDERS, order_of(quantity=0), "lines", "greater than or equal to 1"),
    "quantity -1": (ORDERS, order_of(quantity=-1), "lines", "greater than or equal to 1"),
    "quantity 10^9": (ORDERS, order_of(quantity=10**9), "lines", "less than or equal to 100"),
    "quantity in words": (ORDERS, order_of(quantity="two"), "lines", "valid integer"),
    "quantity a list": (ORDERS, order_of(quantity=[1]), "lines", "valid integer"),
    "product an object": (ORDERS, order_of(sku={"sku": 1}), "lines", "Unknown product"),
    "lines no list": (ORDERS, {"lines": "CD-01"}, "lines", "list of items"),
    "no lines": (ORDERS, {}, "lines", "required"),
    "body a list": (ORDERS, [order_of()], "non_field_errors", "dictionary"),
    "rating 0": (REVIEWS, review(rating=0), "rating", "greater than or equal to 1"),
    "rating 6": (REVIEWS, review(rating=6), "rating", "less than or equal to 5"),
    "rating in words": (REVIEWS, review(rating="good"), "rating", "valid integer"),
    "text over limit": (REVIEWS, review(text="x" * 2001), "text", "no more than 2000"),
    "text empty": (REVIEWS, review(text=""), "text", "may not be blank"),
}


@pytest.fixture(scope="module")
def web(lasting_system):
    """A system of which only the web runs: what is stored stays as it was stored."""
    webs = [lasting_system.web("orders")]
    lasting_system.start(without=[process for process in lasting_system if process not in webs])
    return lasting_system


@pytest.fixture(scope="module")
def carl(web):
    return web.customer("carl")


@pytest.fixture
def stranger(web, carl):
    """Somebody who is not signed in."""
    return type(carl)("stranger", carl.urls)


@contextmanager
def nothing_written(web):
    before = {table: web.count("orders", table) for table in TABLES}
    yield
    assert {table: web.count("orders", table) for table in TABLES} == before


@pytest.mark.parametrize(("path", "body", "field", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_value_is_refused_with_field_and_reason(web, carl, path, body, field, reason):
    with nothing_written(web):
        answer = carl.request("orders", "POST", path, json=body)
    assert answer.status == 400
    assert list(answer.json()) == [field]
    assert reason in json.dumps(answer.json()[field])


@pytest.mark.parametrize("path", [ORDERS, REVIEWS])
def test_malformed_json_is_refused(web, carl, path):
    with nothing_written(web):
        answer = send(carl, path, '{"lines": [{"sku": "CD-01", ')
    assert answer.status == 400
    assert "JSON parse error" in answer.json()["detail"]


@pytest.mark.parametrize("path", [ORDERS, REVIEWS])
def test_a_body_over_a_megabyte_is_refused(web, carl, path):
    with nothing_written(web):
        answer = send(carl, path, json.dumps({"text": "x" * MEGABYTE}))
    assert answer.status == 413
    assert str(MEGABYTE) in answer.json()["detail"]


def send(customer, path: str, body: str):
    headers = {"Content-Type": "application/json"}
    return customer.request("orders", "POST", path, body=body, headers=headers)


@pytest.mark.parametrize(("path", "body"), [(ORDERS, order_of()), (REVIEWS, review())])
def test_without_a_sign_in_nothing_is_taken(web, stranger, path, body):
    with nothing_written(web):
        answer = stranger.request("orders", "POST", path, json=body)
    assert answer.status == 401
    assert "credentials" in answer.json()["detail"]


@pytest.mark.parametrize(("path", "body"), [(ORDERS, order_of()), (REVIEWS, review())])
def test_a_foreign_sign_in_is_refused(web, carl, stranger, path, body):
    claims = jwt.decode(carl.token, options={"verify_signature": False})
    stranger.token = jwt.encode(claims, "a key of somebody else's, and long enough", "HS256")
    with nothing_written(web):
        answer = stranger.request("orders", "POST", path, json=body)
    assert answer.status == 401
    assert "token" in answer.json()["detail"].lower()


def test_an_order_that_is_unknown_or_anothers_is_not_found(web, carl):
    dora = web.customer("dora")
    hers = dora.order({"CD-01": 1})
    with nothing_written(web):
        for number in ("A-0000000000", hers):
            assert carl.request("orders", "GET", f"{ORDERS}{number}/").status == 404
            answer = carl.request("orders", "POST", f"{ORDERS}{number}/cancel/", json={})
            assert answer.status == 404
            assert answer.json()["detail"]
    assert dora.get("orders", f"{ORDERS}{hers}/")["status"] == "placed"


def test_a_shipped_order_can_not_be_cancelled(web, carl):
    number = carl.order({"CD-01": 1})
    ship = "from orders import services; services.mark_reserved({0!r}); services.ship_order({0!r})"
    web.of("orders").manage("shell", "--verbosity", "0", "-c", ship.format(number))
    with nothing_written(web):
        answer = carl.request("orders", "POST", f"{ORDERS}{number}/cancel/", json={})
    assert answer.status == 409
    assert "shipped" in answer.json()["status"][0]
    assert carl.get("orders", f"{ORDERS}{number}/")["status"] == "shipped"


def test_a_second_review_of_a_product_is_refused(web, carl):
    assert carl.request("reviews", "POST", REVIEWS, json=review()).status == 201
    with nothing_written(web):
        answer = carl.request("reviews", "POST", REVIEWS, json=review(rating=1))
    assert answer.status == 409
    assert "already reviewed" in answer.json()["sku"][0]
