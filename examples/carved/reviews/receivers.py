from django.dispatch import receiver

from orders.signals import order_cancelled
from reviews import verification


@receiver(order_cancelled)
def withdraw(order, **kwargs):
    verification.withdraw(order)
