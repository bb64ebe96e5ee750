from django.test import TestCase

from goods.models import Product
from suppliers.models import Supplier
from tests.factories import ProductFactory


def test_asks_itself(db):
    list(Product.objects.filter(supplier__country="XX"))


def test_makes_by_factory(db):
    ProductFactory()


class Case(TestCase):
    @classmethod
    def setUpTestData(cls):
        list(Supplier.objects.filter(product__name="class"))

    def setUp(self):
        list(Supplier.objects.filter(product__order__state="test"))

    def test_nothing(self):
        pass
