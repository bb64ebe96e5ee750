from django.db.models.signals import post_save
from django.dispatch import receiver

from notifications import services as notifications
from notifications.models import Kind
from orders.models import Order, Status
from orders.signals import order_cancelled
from reviews import verification


@receiver(post_save, sender=Order)
def invite(instance, update_fields, **kwargs):
    """Who got the goods is asked what they think of them."""
    if instance.status == Status.SHIPPED and "status" in (update_fields or ()):
        notifications.tell(Kind.INVITATION, instance)


@receiver(order_cancelled)
def withdraw(order, **kwargs):
    verification.withdraw(order)
