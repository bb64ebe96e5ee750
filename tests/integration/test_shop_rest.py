"""Public REST of the shop, and what the shell answers in every deployment."""

import json

import pytest
from django.contrib.auth import get_user_model

from shop.catalogue.models import Product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shelf():
    for sku, price, stock in (("CD-A", "5.00", 0), ("CD-B", "10.00", 2), ("CD-C", "20.00", 9)):
        Product.objects.create(sku=sku, name=f"Name {sku}", artist="X", price=price, stock=stock)


def skus(client, query=""):
    answer = client.get(f"/api/products/{query}")
    assert answer.status_code == 200
    return [product["sku"] for product in answer.json()["results"]]


def test_products_are_listed_without_a_sign_in(client):
    assert skus(client) == ["CD-A", "CD-B", "CD-C"]
    assert client.get("/api/products/CD-B/").json() == {
        "sku": "CD-B",
        "name": "Name CD-B",
        "artist": "X",
        "description": "",
        "price": "10.00",
        "available": 2,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?price_min=6", ["CD-B", "CD-C"]),
        ("?price_min=6&price_max=15", ["CD-B"]),
        ("?search=cd-c", ["CD-C"]),
        ("?available=true", ["CD-B", "CD-C"]),
        ("?available=false", ["CD-A"]),
        ("?ordering=-price", ["CD-C", "CD-B", "CD-A"]),
    ],
)
def test_products_are_filtered(client, query, expected):
    assert skus(client, query) == expected


def test_a_bad_filter_names_its_field(client):
    answer = client.get("/api/products/?price_min=cheap")
    assert answer.status_code == 400
    assert "price" in answer.json()


@pytest.mark.parametrize("sku", ["CD-X", "%00", "a.b"])
def test_an_unknown_product_is_404(client, sku):
    assert client.get(f"/api/products/{sku}/").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_products_are_read_only(client, method):
    account = get_user_model().objects.create_user("ann", "ann@example.com", "pw")
    token = client.post("/api/token/", {"email": account.email, "password": "pw"}).json()["access"]
    headers = {"authorization": f"Bearer {token}"}
    assert getattr(client, method)("/api/products/CD-A/", headers=headers).status_code == 405


@pytest.mark.parametrize("path", ["/api/token/", "/api/products/", "/api/nothing/"])
def test_a_body_over_one_megabyte_is_413_in_json(client, path):
    body = json.dumps({"email": "x" * 1024 * 1024})
    answer = client.post(path, body, content_type="application/json")
    assert answer.status_code == 413
    assert "1048576 bytes" in answer.json()["detail"]


def test_a_page_refuses_a_large_body_too(client):
    assert client.post("/sign-in/", {"email": "x" * 1024 * 1024}).status_code == 413


def test_a_body_of_half_a_megabyte_is_read(client):
    body = json.dumps({"email": "x" * 512 * 1024, "password": "y"})
    answer = client.post("/api/token/", body, content_type="application/json")
    assert answer.status_code == 400
    assert "email" in answer.json()


def test_malformed_json_is_400_with_a_reason(client):
    answer = client.post("/api/token/", "{", content_type="application/json")
    assert answer.status_code == 400
    assert "JSON parse error" in answer.json()["detail"]


def test_other_media_types_are_415(client):
    answer = client.post("/api/token/", "<a/>", content_type="application/xml")
    assert answer.status_code == 415


def test_the_root_lists_what_is_hosted_here(client):
    listed = client.get("/api/").json()
    assert listed["products"] == "http://testserver/api/products/"
    assert {"token", "schema", "docs"} <= listed.keys()


def test_the_openapi_document_has_the_public_paths_only(client):
    document = client.get("/api/schema/?format=json").json()
    assert "/api/products/{sku}/" in document["paths"]
    assert all(path.startswith("/api/") for path in document["paths"])
    assert client.get("/api/docs/").status_code == 200


def test_browsers_get_a_browsable_page(client):
    page = client.get("/api/products/", headers={"accept": "text/html"})
    assert "Sign in" in page.content.decode()


def test_health_tells_the_contexts(client):
    answer = client.get("/health/")
    assert answer.status_code == 200
    assert "shop" in answer.json()["contexts"]
