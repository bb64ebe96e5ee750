"""Orders in the admin: seen by all staff, decided by those who may."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command

from orders import services
from orders.lines import WantedLine
from orders.models import Order

URL = "/admin/orders/order/"


@pytest.fixture
def orders(db) -> list[Order]:
    call_command("seed", verbosity=0)
    wanted = [WantedLine("CD-01", 1)]
    return [services.place_order("7", "ada@example.com", wanted)[0] for _ in range(2)]


def act(client, action, orders):
    chosen = {"action": action, "_selected_action": [order.pk for order in orders]}
    return client.post(URL, chosen, follow=True).content.decode()


def test_orders_are_found_and_shown_with_their_lines(admin_client, orders):
    found = admin_client.get(URL, {"q": orders[0].number}).content.decode()
    assert orders[0].number in found
    assert orders[1].number not in found
    assert admin_client.get(URL, {"status__exact": "placed"}).status_code == 200
    page = admin_client.get(f"{URL}{orders[0].pk}/change/").content.decode()
    assert orders[0].lines.get().name in page


def test_nothing_of_an_order_is_edited_added_or_deleted(admin_client, orders):
    admin_client.post(f"{URL}{orders[0].pk}/change/", {"total": "1.00", "status": "shipped"})
    orders[0].refresh_from_db()
    assert orders[0].status == "placed"
    assert admin_client.get(f"{URL}add/").status_code == 403
    assert admin_client.post(f"{URL}{orders[0].pk}/delete/").status_code == 403


def test_ship_ships_what_it_can_and_says_what_it_can_not(admin_client, orders):
    services.mark_reserved(orders[0].number)
    page = act(admin_client, "ship", orders)
    assert "1 order shipped." in page
    assert f"Order {orders[1].number} can&#x27;t be shipped: its stock is not reserved yet." in page
    assert Order.objects.get(pk=orders[0].pk).status == "shipped"


def test_cancel_cancels_in_the_shops_name(admin_client, orders):
    assert "2 orders cancelled." in act(admin_client, "cancel", orders)
    reasons = set(Order.objects.values_list("cancel_reason", flat=True))
    assert reasons == {"by the shop"}


def test_who_may_only_view_can_neither_ship_nor_cancel(client, orders):
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_order"))
    client.force_login(viewer)
    services.mark_reserved(orders[0].number)
    assert client.get(URL).status_code == 200
    for action in ("ship", "cancel"):
        act(client, action, orders)
    assert set(Order.objects.values_list("status", flat=True)) == {"reserved", "placed"}
