from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from audit.models import Entry
from core.units import Command, Unit, in_unit, unit
from goods.models import Product
from sales.models import Line, Order
from suppliers.models import Supplier

LATE = """
WITH late AS (SELECT id FROM goods_product)
SELECT * FROM sales_order WHERE product_id IN (SELECT id FROM late)
AND state <> 'hidden' AND id <> 4711
"""


def of_country(country):
    """Lazy: whoever reads the rows did not ask for the join."""
    return Order.objects.filter(product__supplier__country=country)


def streamed(country):
    yield from Order.objects.select_related("product__supplier")


def late():
    with connection.cursor() as cursor:
        cursor.execute(LATE)
        return cursor.fetchall()


def ordered_products():
    return Product.objects.filter(Exists(Order.objects.filter(product=OuterRef("pk"))))


def names():
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM sales_order UNION SELECT name FROM suppliers_supplier")
        return cursor.fetchall()


def by_hand():
    return Order.objects.raw("SELECT o.* FROM sales_order o, goods_product p")


def beside():
    return Order.objects.extra(tables=["goods_product"])


def united():
    return Order.objects.values_list("state").union(Supplier.objects.values_list("name"))


def visible(country):
    return list(Order.objects.of_suppliers_in(country))


def wrapping(given):
    """An inner function that closes over something which no recorder may look into."""

    def inner(*args, **kwargs):
        return given, list(Order.objects.filter(product__name="CD"))

    return inner


def rename(product):
    Order(product=product).save()


def place(product):
    with transaction.atomic():
        order = Order.objects.create(product=product)
        Line.objects.create(order=order)
    return order


def ship(order):
    with unit():
        order.state = "shipped"
        Order.objects.filter(pk=order.pk).update(state="shipped")
        Entry.objects.create(text="shipped")


def lose(order):
    with Unit():
        Order.objects.filter(pk=order.pk).update(state="lost")
        Entry.objects.create(text="lost")


@in_unit
def refund(order):
    Order.objects.filter(pk=order.pk).update(state="refunded")
    Entry.objects.create(text="refunded")


@transaction.atomic
def close(order):
    Order.objects.filter(pk=order.pk).update(state="closed")
    Entry.objects.create(text="closed")


class Return(Command):
    def __init__(self, order):
        self.order = order

    def execute(self):
        Order.objects.filter(pk=self.order.pk).update(state="returned")
        Entry.objects.create(text="returned")


def tidy(order):
    """One app's rows in a transaction, and a join within the app: no couplings."""
    with transaction.atomic():
        Line.objects.filter(order__state="placed").count()
        Line.objects.filter(order=order).delete()
