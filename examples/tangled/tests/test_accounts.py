from accounts.models import Customer, Note
from notifications.models import Notification
from orders import services
from orders.models import Order
from reviews.models import Review, VerifiedCustomer


def test_whoever_signs_up_can_sign_in(client, db):
    form = {"username": "jo", "first_name": "Jo", "email": "jo@example.com"}
    password = {"password1": "a long one, 42", "password2": "a long one, 42"}
    client.post("/accounts/sign-up/", form | password)
    client.post("/accounts/sign-in/", {"username": "jo", "password": "a long one, 42"})
    assert "Sign out" in client.get("/").content.decode()


def test_customers_get_a_copy_of_their_data(browser, maria, product):
    order = services.place_order(maria, {product.sku: 1})
    Review.objects.create(customer=maria, product=product, rating=5, text="Cool.")
    data = browser.get("/accounts/my-data/").json()
    assert data["email"] == "maria@example.com"
    assert [each["number"] for each in data["orders"]] == [order.number]
    assert [each["product__name"] for each in data["reviews"]] == ["Kind of Blue"]


def test_closing_an_account_leaves_nameless_reviews_and_the_proof_of_messages(
    browser, maria, product
):
    order = services.place_order(maria, {product.sku: 1})
    order.notes.create(text="Called twice.")
    Review.objects.create(customer=maria, product=product, rating=5, text="Cool.")
    browser.post("/accounts/close/")
    for model in (Customer, Order, Note, VerifiedCustomer):
        assert not model.objects.exists(), model
    assert Review.objects.get().customer is None
    assert Notification.objects.get().order is None
