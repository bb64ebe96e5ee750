from django.core.mail import mail_admins
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver

from catalogue.signals import price_changed  # C
from orders.models import Order  # C
from orders.signals import order_paid  # C
from reviews.models import Review


@receiver(post_save, sender=Order)  # C
def invite(sender, **kwargs):
    mail_admins("A new order", "…")


@receiver(order_paid)  # C
def verify(sender, **kwargs):
    pass


@receiver([post_save, post_delete], sender="catalogue.Product")  # C: one receiver, two signals
def forget(sender, **kwargs):
    pass


@receiver(post_save, sender=Review)  # decoy
def count(sender, **kwargs):
    pass


@receiver(pre_save)  # C
def watch(sender, **kwargs):
    pass


def reprice(sender, **kwargs):
    mail_admins("A new price", "…")


def listen():
    price_changed.connect(reprice)  # C
