from contextlib import suppress

import requests
from django.db import transaction

from catalogue.signals import price_changed  # C
from orders.models import Order  # C
from orders.services import place  # C
from orders.signals import order_paid  # C
from parcels.mail import Mailer, track
from parcels.models import Parcel  # decoy


def parcel_of(order):
    return Parcel.objects.select_related("order").get(order__pk=order.pk, order__paid=True)  # C


def follow(number):
    return track(number)


@transaction.atomic
def post(parcel: Parcel):
    parcel.announce()  # danger: by a method of the row
    Mailer("…").send()  # danger: by a method that the class inherits
    requests.exceptions.Timeout("…")  # decoy: an error
    price_changed.send(Parcel)  # C # danger: its receiver sends mail
    transaction.on_commit(parcel.announce)  # decoy
    with suppress(Exception):  # danger
        parcel.save()
    with suppress(KeyError):  # decoy: nothing of the database
        parcel.save()
    order_paid.send_robust(Parcel)  # C # danger: what receivers raise is gone
    failed = order_paid.send_robust(Parcel)  # decoy: somebody looks
    forget(parcel)
    answer = requests.Session()
    answer.headers.get("x")  # decoy: nothing is sent
    return failed


def forget(parcel):
    try:
        parcel.delete()
    except Exception:  # danger: post() calls it
        return False
    return True


def tidy(parcel):
    try:
        parcel.delete()
    except Exception:  # decoy: no transaction is open
        return False
    return True


def weight(text):
    return int(text)


def buy(person, product):
    order_paid.send(None)  # C
    place(person, product)
    order_paid.send(Order)  # danger: place() opened a transaction, and closed it
    transaction.on_commit(lambda: order_paid.send(Order))  # decoy
    return order_paid.send(Order)  # decoy: a question, and no news


def pay(parcel: Parcel, order: Order, rows, product):
    parcel.order.save()  # danger: by a relation
    order.save()  # danger: it was handed over
    for each in Order.objects.filter(paid=False):
        each.save()  # danger
    parcel.order.label.save("a.pdf", rows)  # decoy: a file
    parcel.order.gift().save()  # decoy: nobody knows what that gives
    rows.session["order"] = order.pk
    rows.session.save()  # decoy: no row
    new = Order(paid=True)
    new.save()  # decoy: made here
    Order(paid=True).save()  # decoy
    parcel.order.save(update_fields=["paid"])  # decoy
    parcel.save()  # decoy: our own
    rows.save()  # decoy: nobody knows what
    product.save()  # decoy: it may be new
