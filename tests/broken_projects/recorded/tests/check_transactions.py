from django.db import transaction

from audit.models import Entry
from sales import services
from suppliers.services import close, note


def test_an_inherited_save(product):
    services.rename(product)


def test_units_of_work(order):
    services.ship(order)
    services.lose(order)
    services.refund(order)
    services.close(order)
    services.Return(order).run()


def test_blocks_of_tests_are_not_those_of_the_code(order):
    with transaction.atomic():
        Entry.objects.create(text="test")
        services.tidy(order)
        note(order)
        services.ship(order)


def test_a_cascade(order):
    close(order.product.supplier)
