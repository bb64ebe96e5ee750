"""The basket: a signed cookie, so that it needs neither a table nor a sign-in."""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing

import carveout

from .lines import MAX_LINES, MAX_QUANTITY, WantedLine
from .lookups import ProductToBuy

COOKIE = "basket"
SALT = "orders.basket"
MAX_AGE_S = 30 * 24 * 3600


@dataclass(frozen=True)
class BasketLine:
    """A line of the basket, with the product as it is offered now, if it still is."""

    sku: str
    quantity: int
    product: ProductToBuy | None

    @property
    def name(self):
        return self.product.name if self.product else self.sku

    @property
    def price(self):
        return self.product.price if self.product else 0

    @property
    def amount(self):
        return self.price * self.quantity


class Basket:
    """The quantity of each product. Read from the request, written to the response."""

    def __init__(self, quantities: dict[str, int]):
        self.quantities = quantities

    @classmethod
    def of(cls, request) -> "Basket":
        """The visitor's basket; an empty one if the cookie is missing, old or not ours."""
        try:
            content = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=MAX_AGE_S)
        except signing.BadSignature:
            content = {}
        return cls(content)

    def add(self, sku: str, quantity: int) -> None:
        self.set(sku, self.quantities.get(sku, 0) + quantity)

    def set(self, sku: str, quantity: int) -> None:
        """Sets the quantity, at most what an order may hold; 0 removes the product."""
        if quantity < 1:
            self.quantities.pop(sku, None)
        elif sku in self.quantities or len(self.quantities) < MAX_LINES:
            self.quantities[sku] = min(quantity, MAX_QUANTITY)

    def save_to(self, response):
        response.set_cookie(
            COOKIE,
            signing.dumps(self.quantities, salt=SALT, compress=True),
            max_age=MAX_AGE_S,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
        return response

    def wanted_lines(self) -> list[WantedLine]:
        return [WantedLine(sku, quantity) for sku, quantity in self.quantities.items()]

    def looked_up(self) -> list[BasketLine]:
        """Raises: LookupFailed: the shop did not answer."""
        products = carveout.look_up_many(ProductToBuy, list(self.quantities))
        return [BasketLine(sku, n, products.get(sku)) for sku, n in self.quantities.items()]
