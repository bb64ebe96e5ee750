"""The admin of the catalogue."""

import pytest
from django.contrib.auth.models import Permission, User

from shop.catalogue.models import Product, Reservation, StockDecision

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows():
    cd = Product.objects.create(sku="CD-A", name="A", price="5.00", stock=3)
    decision = StockDecision.objects.create(order_number="A-1", customer_id="7", outcome="reserved")
    Reservation.objects.create(decision=decision, product=cd, quantity=2)
    return cd


@pytest.mark.parametrize(
    ("model", "queries"),
    [
        (Product, ["", "?q=A", "?left=few"]),
        (StockDecision, ["", "?q=A-1", "?outcome=reserved"]),
        (Reservation, ["", "?q=A-1", "?decision__outcome=reserved"]),
    ],
)
def test_every_list_filter_and_page_works(admin_client, rows, model, queries):
    name = model._meta.model_name
    for query in queries:
        page = admin_client.get(f"/admin/catalogue/{name}/{query}")
        assert page.context["cl"].result_count == 1
    row = model.objects.get()
    assert admin_client.get(f"/admin/catalogue/{name}/{row.pk}/change/").status_code == 200


def edit(client, product, **changed):
    entered = {"sku": "CD-A", "name": "A", "artist": "", "description": "", "price": "5.00"}
    entered |= {"stock": 3, **changed}
    return client.post(f"/admin/catalogue/product/{product.pk}/change/", entered)


def test_stock_is_edited_and_the_change_is_kept_in_history(admin_client, rows):
    assert edit(admin_client, rows, stock=8).status_code == 302
    rows.refresh_from_db()
    assert rows.stock == 8
    history = admin_client.get(f"/admin/catalogue/product/{rows.pk}/history/").content.decode()
    assert "Stock" in history


@pytest.mark.parametrize("bad", [{"stock": -1}, {"price": "-1"}, {"sku": "a b"}, {"name": ""}])
def test_bad_values_are_refused(admin_client, rows, bad):
    assert edit(admin_client, rows, **bad).status_code == 200
    rows.refresh_from_db()
    assert (rows.stock, rows.name, rows.sku) == (3, "A", "CD-A")


def add_100(client, product):
    return client.post(
        "/admin/catalogue/product/",
        {"action": "add_100", "_selected_action": [product.pk]},
        follow=True,
    )


def test_stock_is_added_by_an_action(admin_client, rows):
    assert "added to 1 products" in add_100(admin_client, rows).content.decode()
    rows.refresh_from_db()
    assert rows.stock == 103


def test_the_action_needs_the_permission_to_change(client, rows):
    viewer = User.objects.create_user("viewer", password="pw", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_product"))
    client.force_login(viewer)
    add_100(client, rows)
    rows.refresh_from_db()
    assert rows.stock == 3


def test_decisions_are_read_only(admin_client, rows):
    assert admin_client.get("/admin/catalogue/stockdecision/add/").status_code == 403
    row = StockDecision.objects.get()
    address = f"/admin/catalogue/stockdecision/{row.pk}/delete/"
    assert admin_client.post(address).status_code == 403
