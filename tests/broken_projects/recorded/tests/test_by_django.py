"""For Django's own runner: what the `check_*` files do, in the way of unittest."""

from django.db import transaction
from django.test import TestCase

from audit.models import Entry
from goods.models import Product
from sales import services
from suppliers.models import Supplier
from suppliers.services import close, note


class Ordered(TestCase):
    def setUp(self):
        supplier = Supplier.objects.create(name="S", country="DE")
        self.product = Product.objects.create(name="CD", supplier=supplier)
        list(Product.objects.filter(supplier__name="S"))
        self.order = services.place(self.product)


class Lazy(Ordered):
    def test_rows_that_are_read_elsewhere(self):
        assert list(services.of_country("DE"))
        assert list(services.streamed("DE"))
        assert list(services.related())
        assert list(services.ordered())

    def test_statements_by_hand(self):
        services.late()
        services.names()
        assert services.ordered_products().count() == 1
        assert list(services.by_hand())
        assert list(services.beside())
        assert list(services.united())

    def test_what_is_lazy(self):
        services.wrapping(services.of_country("DE").get())()
        services.visible("DE")

    def test_asks_itself(self):
        list(Product.objects.filter(supplier__country="XX"))


class Pages(Ordered):
    def test_pages(self):
        self.client.get("/country/DE/")
        self.client.get(f"/order/{self.order.pk}/")
        self.client.get("/fragment/")
        self.client.get("/list/")
        self.client.get("/list/?count")
        self.client.get(f"/buy/{self.product.pk}/")


class Transactions(Ordered):
    def test_units_of_work(self):
        services.rename(self.product)
        services.ship(self.order)
        services.lose(self.order)
        services.refund(self.order)
        services.close(self.order)
        services.Return(self.order).run()

    def test_blocks_of_tests_are_not_those_of_the_code(self):
        with transaction.atomic():
            Entry.objects.create(text="test")
            services.tidy(self.order)
            note(self.order)
            services.ship(self.order)

    def test_a_cascade(self):
        close(self.product.supplier)


class SetUp(TestCase):
    @classmethod
    def setUpTestData(cls):
        list(Supplier.objects.filter(product__name="class"))

    def test_nothing(self):
        pass
