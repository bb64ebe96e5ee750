"""What a visitor wants to buy, kept in the session."""

from catalogue.models import Product

KEY = "basket"


def add(session, sku: str, quantity: int) -> None:
    quantities = session.get(KEY, {})
    quantities[sku] = quantities.get(sku, 0) + quantity
    session[KEY] = quantities


def quantities(session) -> dict[str, int]:
    return dict(session.get(KEY, {}))


def empty(session) -> None:
    session.pop(KEY, None)


def looked_up(session) -> list[dict]:
    """The basket's products with name and price of now. Those not sold any more are left out."""
    wanted = quantities(session)
    found = Product.objects.filter(sku__in=wanted)
    return [
        {
            "product": product,
            "quantity": wanted[product.sku],
            "amount": product.price * wanted[product.sku],
        }
        for product in found
    ]
