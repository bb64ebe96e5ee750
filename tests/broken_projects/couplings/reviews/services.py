from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Case, Count, Prefetch, Q, Value, When, prefetch_related_objects
from django.db.models.functions import Upper

from orders import models as order_models  # C


def rating_of(product):
    return product.reviews.count()  # decoy: these are our own rows


def expect(order):
    pass


def verified(person):
    return order_models.Order.objects.filter(buyer__username=person, lines__product__name="x")  # C C C


def products():
    return apps.get_model("catalogue.Product").objects.all()  # C


def lines():
    return apps.get_model("orders", model_name="OrderLine").objects.all()  # C


def may_ship(user):
    return user.has_perm("orders.ship_order") or user.has_perm("reviews.add_review")  # C


def badges(order: order_models.Order):
    for line in order.lines.all():  # C
        yield line.product, order.buyer  # C C


def of_nobody(order: dict):
    return order.lines  # decoy: no row


def copied():
    fields = ("product__supplier__name", "stars")  # C C
    return Review.objects.values(*fields)


def deeper(products, paid):
    Order = apps.get_model("orders", "Order")  # C
    Person = get_user_model()  # C
    yield Order.objects.filter(**{"buyer__phone": "1", "paid": True})  # C
    yield Person.objects.annotate(n=Count("orders", filter=Q(orders__products__name="x")))  # C C
    yield Review.objects.annotate(of=Value("product__name"))  # decoy: a text
    yield Review.objects.annotate(of=Case(When(stars=1, then=Upper("line__order__paid"))))  # C
    prefetch_related_objects([products], "reviews__product")  # decoy: nobody knows of what
    prefetch_related_objects(products.all(), "parcel_set__order")  # decoy
    yield Order.objects.prefetch_related("parcel_set", Prefetch("lines"))  # C
    yield Upper("product__name")  # decoy: in no query


def loop(line):
    return line.order_id  # decoy


from reviews.models import Review  # noqa: E402  # decoy
