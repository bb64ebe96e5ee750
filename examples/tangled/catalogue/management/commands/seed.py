from django.core.management.base import BaseCommand

from catalogue.models import Product

ASSORTMENT = [
    ("CD-0001", "Kind of Blue", "Miles Davis", "9.90"),
    ("CD-0002", "Giant Steps", "John Coltrane", "11.90"),
    ("CD-0003", "Mingus Ah Um", "Charles Mingus", "8.50"),
]


class Command(BaseCommand):
    help = "Put some CDs on sale, 100 of each."

    def handle(self, **options):
        for sku, name, artist, price in ASSORTMENT:
            values = {"name": name, "artist": artist, "price": price, "stock": 100}
            Product.objects.get_or_create(sku=sku, defaults=values)
