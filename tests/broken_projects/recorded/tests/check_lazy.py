from django.db.models.expressions import RawSQL
from django.utils.functional import SimpleLazyObject, empty

from sales import services
from sales.models import Order


def test_whoever_reads_the_rows_did_not_ask_for_the_join(order):
    assert list(services.of_country("DE"))
    assert list(services.streamed("DE"))


def test_statements_by_hand(order):
    services.late()
    services.names()
    assert services.ordered_products().count() == 1
    assert list(services.by_hand())
    assert list(services.beside())
    assert list(services.united())


def test_what_is_lazy_stays_so(order):
    lazy = SimpleLazyObject(lambda: services.of_country("DE").get())
    given, _ = services.wrapping(lazy)()
    assert given._wrapped is empty


def test_what_is_lazy_asks_once(order, django_assert_num_queries):
    rows = Order.objects.filter(pk__in=RawSQL("SELECT id FROM goods_product", ()))
    lazy = SimpleLazyObject(rows.get)
    with django_assert_num_queries(1):
        assert lazy.pk == order.pk


def test_a_method_of_an_inherited_manager(order):
    assert services.visible("DE")
