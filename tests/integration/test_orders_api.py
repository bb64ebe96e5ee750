"""/api/orders/: who may do what, and what bad input gets."""

import json

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

import carveout
from carveout.errors import LookupUnavailable
from orders import services
from orders.lines import WantedLine
from orders.models import Order

URL = "/api/orders/"
WANTED = {"lines": [{"sku": "CD-01", "quantity": 2}]}


@pytest.fixture(autouse=True)
def catalogue(db):
    call_command("seed", verbosity=0)


def client_of(customer_id: str, *, is_staff: bool = False) -> APIClient:
    token = AccessToken()
    token["user_id"] = customer_id
    token["email"] = f"{customer_id}@example.com"
    token["name"] = customer_id
    token["is_staff"] = is_staff
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def ada() -> APIClient:
    return client_of("ada")


@pytest.fixture
def bob() -> APIClient:
    return client_of("bob")


@pytest.fixture
def staff() -> APIClient:
    return client_of("root", is_staff=True)


def place(client, body=WANTED, **headers):
    return client.post(URL, body, format="json", headers=headers)


def test_a_customer_places_an_order(ada):
    answer = place(ada)
    assert answer.status_code == 201
    order = Order.objects.get()
    shown = answer.json()
    assert shown["number"] == order.number
    assert (order.customer_id, order.email) == ("ada", "ada@example.com")
    assert shown["lines"][0]["quantity"] == 2
    assert shown["total"] == str(order.lines.get().price * 2)
    assert shown["status"] == "placed"


BAD_BODIES = {
    "unknown product": ({"lines": [{"sku": "CD-99", "quantity": 1}]}, "lines", "Unknown product."),
    "no slug": ({"lines": [{"sku": "CD 1\u0000", "quantity": 1}]}, "lines", "sku"),
    "quantity 0": ({"lines": [{"sku": "CD-01", "quantity": 0}]}, "lines", "quantity"),
    "quantity -1": ({"lines": [{"sku": "CD-01", "quantity": -1}]}, "lines", "quantity"),
    "quantity 10^9": ({"lines": [{"sku": "CD-01", "quantity": 10**9}]}, "lines", "quantity"),
    "quantity text": ({"lines": [{"sku": "CD-01", "quantity": "two"}]}, "lines", "valid integer"),
    "quantity 1.5": ({"lines": [{"sku": "CD-01", "quantity": 1.5}]}, "lines", "valid integer"),
    "quantity true": ({"lines": [{"sku": "CD-01", "quantity": True}]}, "lines", "valid integer"),
    "quantity missing": ({"lines": [{"sku": "CD-01"}]}, "lines", "required"),
    "sku is a list": ({"lines": [{"sku": ["CD-01"], "quantity": 1}]}, "lines", "sku"),
    "line is text": ({"lines": ["CD-01"]}, "lines", "dictionary"),
    "lines is text": ({"lines": "CD-01"}, "lines", "list"),
    "lines empty": ({"lines": []}, "lines", "empty"),
    "lines missing": ({}, "lines", "required"),
    "too many lines": ({"lines": WANTED["lines"] * 51}, "lines", "50"),
    "phone is no number": ({**WANTED, "phone": "call me"}, "phone", "telephone"),
    "phone too long": ({**WANTED, "phone": "1" * 33}, "phone", "32"),
    "body is a list": ([1], "non_field_errors", "dictionary"),
}


@pytest.mark.parametrize(("body", "field", "reason"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_input_names_field_and_reason_and_writes_nothing(ada, body, field, reason):
    answer = place(ada, body)
    assert answer.status_code == 400
    assert reason.lower() in json.dumps(answer.json()[field]).lower()
    assert not Order.objects.exists()


def test_malformed_json_is_refused(ada):
    answer = ada.post(URL, '{"lines": [', content_type="application/json")
    assert answer.status_code == 400
    assert "JSON parse error" in answer.json()["detail"]
    assert not Order.objects.exists()


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense"])
def test_without_a_sign_in_nothing_is_placed_or_shown(authorization):
    client = APIClient()
    if authorization:
        client.credentials(HTTP_AUTHORIZATION=authorization)
    assert place(client).status_code == 401
    assert client.get(URL).status_code == 401
    assert not Order.objects.exists()


def test_a_token_signed_with_another_key_is_refused():
    client = APIClient()
    header, _, payload = str(AccessToken()).partition(".")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {header}.{payload[:-4]}AAAA")
    assert place(client).status_code == 401


def test_a_repeated_request_gives_the_same_order(ada):
    first = place(ada, **{"Idempotency-Key": "k"})
    second = place(ada, **{"Idempotency-Key": "k"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["number"] == second.json()["number"]
    assert Order.objects.count() == 1


def test_a_key_used_for_another_body_is_refused(ada):
    place(ada, **{"Idempotency-Key": "k"})
    other = {"lines": [{"sku": "CD-02", "quantity": 1}]}
    answer = place(ada, other, **{"Idempotency-Key": "k"})
    assert answer.status_code == 422
    assert "asked for other things" in answer.json()["Idempotency-Key"][0]
    assert Order.objects.count() == 1


def test_a_key_belongs_to_its_customer(ada, bob):
    place(ada, **{"Idempotency-Key": "k"})
    assert place(bob, **{"Idempotency-Key": "k"}).status_code == 201


def test_a_key_that_is_too_long_is_refused(ada):
    answer = place(ada, **{"Idempotency-Key": "k" * 101})
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()
    assert not Order.objects.exists()


def test_a_shop_that_does_not_answer_gives_503_and_writes_nothing(ada, monkeypatch):
    def unavailable(*_):
        raise LookupUnavailable

    monkeypatch.setattr(carveout, "look_up_many", unavailable)
    answer = place(ada)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert "try again" in answer.json()["detail"]
    assert not Order.objects.exists()


def test_customers_list_their_own_orders_and_staff_all(ada, bob, staff):
    number = place(ada).json()["number"]
    other = place(bob).json()["number"]
    assert numbers(ada.get(URL)) == {number}
    assert numbers(staff.get(URL)) == {number, other}


def test_the_list_is_filtered_and_paged(ada, staff):
    cancelled, kept = place(ada).json()["number"], place(ada).json()["number"]
    services.cancel_order(cancelled, "no")
    assert numbers(ada.get(URL, {"status": "cancelled"})) == {cancelled}
    assert numbers(ada.get(URL, {"status": "placed"})) == {kept}
    assert numbers(staff.get(URL, {"placed_after": "2999-01-01T00:00:00Z"})) == set()
    assert numbers(staff.get(URL, {"placed_before": "2999-01-01T00:00:00Z"})) == {cancelled, kept}
    assert ada.get(URL, {"status": "lost"}).status_code == 400
    assert ada.get(URL, {"placed_after": "soon"}).json().keys() == {"placed_after"}
    assert ada.get(URL, {"page": 2}).status_code == 404


def numbers(answer) -> set[str]:
    return {order["number"] for order in answer.json()["results"]}


def test_the_list_takes_a_constant_number_of_queries(ada, django_assert_num_queries):
    for _ in range(4):
        place(ada)
    with django_assert_num_queries(3):  # count, orders, lines
        ada.get(URL)


def test_anothers_order_is_not_found(ada, bob, staff):
    own = f"{URL}{place(ada).json()['number']}/"
    assert ada.get(own).status_code == 200
    assert bob.get(own).status_code == 404
    assert bob.post(f"{own}cancel/").status_code == 404
    assert staff.get(own).status_code == 200
    assert Order.objects.get().status == "placed"


def test_an_unknown_order_is_not_found(ada):
    assert ada.get(f"{URL}A-NOWHERE/").status_code == 404
    assert ada.post(f"{URL}A-NOWHERE/cancel/").status_code == 404


def test_a_customer_cancels_and_cancels_again(ada):
    url = f"{URL}{place(ada).json()['number']}/cancel/"
    for _ in range(2):
        answer = ada.post(url)
        assert answer.status_code == 200
        assert answer.json()["cancel_reason"] == "by the customer"


def test_staff_cancel_in_the_shops_name(ada, staff):
    url = f"{URL}{place(ada).json()['number']}/cancel/"
    assert staff.post(url).json()["cancel_reason"] == "by the shop"


def test_a_shipped_order_can_not_be_cancelled(ada):
    number = place(ada).json()["number"]
    services.mark_reserved(number)
    services.ship_order(number)
    answer = ada.post(f"{URL}{number}/cancel/")
    assert answer.status_code == 409
    assert "was shipped" in answer.json()["status"][0]
    assert Order.objects.get().status == "shipped"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_an_order_is_not_edited(ada, method):
    url = f"{URL}{place(ada).json()['number']}/"
    assert getattr(ada, method)(url, WANTED, format="json").status_code == 405


def test_the_schema_and_the_browsable_page_show_orders(staff):
    services.place_order("ada", "ada@example.com", [WantedLine("CD-01", 1)])
    schema = staff.get("/api/schema/", {"format": "json"}).json()
    assert {URL, f"{URL}{{number}}/", f"{URL}{{number}}/cancel/"} <= schema["paths"].keys()
    assert staff.get(URL, headers={"Accept": "text/html"}).status_code == 200


@pytest.mark.parametrize("name", ["placed_after", "placed_before"])
def test_a_time_beyond_all_years_is_refused(ada, name):
    assert ada.get(URL, {name: "2026-01-31T12:00:00+01:00"}).status_code == 200
    for moment in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"):
        answer = ada.get(URL, {name: moment})
        assert (answer.status_code, list(answer.json())) == (400, [name])
