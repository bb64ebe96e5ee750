import pytest

from goods.models import Product
from suppliers.models import Supplier


@pytest.fixture
def product(db):
    product = Product.objects.create(
        name="CD", supplier=Supplier.objects.create(name="S", country="DE")
    )
    list(Product.objects.filter(supplier__name="S"))
    return product


@pytest.fixture
def order(product):
    from sales import services

    return services.place(product)
