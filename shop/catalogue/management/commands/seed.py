"""manage.py seed"""

import csv
from pathlib import Path

from django.core.management.base import BaseCommand

from shop.catalogue.models import Product

ASSORTMENT = Path(__file__).parents[2] / "assortment.csv"
STARTING_STOCK = 20_000


class Command(BaseCommand):
    help = "Adds the products that a new shop starts with. Existing products stay as they are."

    def handle(self, *args, **options):
        before = Product.objects.count()
        with ASSORTMENT.open(newline="") as lines:
            products = [Product(**cd, stock=STARTING_STOCK) for cd in csv.DictReader(lines)]
        Product.objects.bulk_create(products, ignore_conflicts=True)
        after = Product.objects.count()
        self.stdout.write(f"{after - before} products added, {after} on sale.")
