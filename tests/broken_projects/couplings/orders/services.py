from django.core.mail import send_mail
from django.db import transaction
from django.utils.module_loading import import_string

from orders.models import Order
from orders.signals import order_paid


def place(person, product):
    from reviews.services import expect  # C

    with transaction.atomic():
        order = Order.objects.create(buyer=person)  # danger: a receiver sends mail
        expect(order)
        send_mail("Thanks", "…", None, [person.email])  # danger
        try:
            order_paid.send(Order, order=order)
        except Exception:  # danger
            pass
    return order


def in_norway():
    orders = Order.objects.filter(paid=True)
    return orders.exclude(products__supplier__country="NO").select_related("buyer")  # C C C


def parcel_of(order):
    return import_string("parcels.services.parcel_of")(order)  # C


def move_stock(pk):
    product = Product.objects.get(pk=pk)
    product.save()  # danger
    product.save(update_fields=["name"])  # decoy


from catalogue.models import Product  # noqa: E402  # C


def tell(order):
    send_mail("About your order", "…", None, [order.buyer.email])


def confirm(order):
    tell(order)


@transaction.atomic
def cancel(order):
    confirm(order)  # danger
    transaction.on_commit(lambda: confirm(order))  # decoy
    try:
        with transaction.atomic():
            order.delete()
    except Exception:  # decoy: a savepoint
        return None
    try:
        order.save()  # danger: likewise
    except (KeyError, ValueError):  # decoy: nothing of the database
        return None
    return order
