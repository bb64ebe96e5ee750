import pytest
from django.test import Client

from accounts.models import Customer
from catalogue.models import Product


@pytest.fixture
def product(db):
    return Product.objects.create(
        sku="CD-0001", name="Kind of Blue", artist="Miles Davis", price="9.90", stock=5
    )


@pytest.fixture
def maria(db):
    return Customer.objects.create_user("maria", "maria@example.com", first_name="Maria")


@pytest.fixture
def browser(client, maria):
    """Maria's."""
    client.force_login(maria)
    return client


@pytest.fixture
def office(db):
    """The browser of somebody who may do everything."""
    browser = Client()
    browser.force_login(Customer.objects.create_superuser("office", "office@example.com"))
    return browser


@pytest.fixture
def filled(browser, product):
    """Maria's browser, with two pieces of the product in the basket."""
    browser.post("/orders/basket/", {"sku": product.sku, "quantity": 2})
    return browser
