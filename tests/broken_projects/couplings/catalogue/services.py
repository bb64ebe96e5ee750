from django.db import transaction

from catalogue.signals import price_changed


def change_price(product, price):
    with transaction.atomic():
        product.price = price
        product.save()
    price_changed.send(product.__class__)  # danger


def by_key(key):
    return Product.objects.filter(supplier=key, supplier__in=[key], supplier_id=key)  # decoy


from catalogue.models import Product  # noqa: E402  # decoy
