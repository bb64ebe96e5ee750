"""Places orders with the service that its checkout uses: stock, badge and e-mail come with it."""

from django.contrib.auth import get_user_model
from django.core.management import call_command

from bench.pace import paced
from catalogue.models import Product
from orders.services import place_order

customers = get_user_model().objects


def prepare() -> None:
    call_command("migrate", verbosity=0)
    Product.objects.create(sku="CD-01", name="One", price=10, stock=1_000_000)
    customers.create(username="a", email="a@example.com")


def orders(count: int, per_second: int | None) -> tuple[float, list[float]]:
    """CPU seconds of this process, and the seconds that each order took."""
    customer = customers.get()
    return paced(lambda: place_order(customer, {"CD-01": 1}), count, per_second)
