from django.apps import apps

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


def loop(line):
    return line.order_id  # decoy


from reviews.models import Review  # noqa: E402  # decoy
