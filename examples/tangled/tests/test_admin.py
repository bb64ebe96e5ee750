import pytest

from orders import services
from reviews.models import Review


@pytest.fixture
def order(maria, product):
    Review.objects.create(customer=maria, product=product, rating=5, text="Cool.")
    return services.place_order(maria, {product.sku: 1})


@pytest.mark.parametrize(
    ("path", "found", "not_found"),
    [
        ("accounts/customer", "q=maria", "q=jo"),
        ("catalogue/product", "artist=Miles+Davis", "artist=Coltrane"),
        ("orders/order", "q=Blue&products__artist=Miles+Davis", "q=jo"),
        ("notifications/notification", "q=Blue&order__status=placed", "q=Coltrane"),
        ("reviews/review", "q=maria&product__artist=Miles+Davis", "q=jo"),
    ],
)
def test_staff_find_by_what_other_apps_know(office, order, path, found, not_found):
    assert office.get(f"/admin/{path}/?{found}").context["cl"].result_count == 1
    assert office.get(f"/admin/{path}/?{not_found}").context["cl"].result_count == 0


def test_an_order_shows_its_messages_and_notes(office, order):
    order.notes.create(text="Called twice.")
    page = office.get(f"/admin/orders/order/{order.pk}/change/").content.decode()
    assert "maria@example.com" in page
    assert "Called twice." in page


def test_staff_ship_orders(office, order):
    chosen = {"action": "ship", "_selected_action": [order.pk]}
    office.post("/admin/orders/order/", chosen)
    answer = office.post("/admin/orders/order/", chosen, follow=True)
    assert "is shipped and can&#x27;t be shipped" in answer.content.decode()


@pytest.mark.parametrize("path", ["notifications/notification", "reviews/review"])
def test_other_pages_open(office, order, path):
    (row,) = order.notifications.all() if "notification" in path else Review.objects.all()
    assert office.get(f"/admin/{path}/{row.pk}/change/").status_code == 200
