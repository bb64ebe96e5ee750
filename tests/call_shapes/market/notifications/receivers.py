from typing import Any

from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from market.notifications.models import Note
from market.orders.models import Order, Tag
from market.orders.signals import order_paid, order_sent


@receiver(post_save, sender=Order)
def welcome(sender: type[Order], instance: Order, created: bool, **kwargs: Any) -> None:
    """Greets whoever ordered."""
    if kwargs["raw"]:
        return
    if not created:
        return

    # A greeting.
    address = instance.email
    Note.objects.create(kind="welcome", number=instance.number, text=f"dear {address}")


@receiver(post_save, sender=Order, dispatch_uid="thank")
def thank(sender: type[Order], instance: Order, **kwargs: Any) -> None:
    if instance.is_paid:
        Note.objects.create(kind="thank", number=instance.number, text=instance.email)


@receiver(m2m_changed, sender=Order.tags.through)
def label(
    sender: Any, instance: Order, action: str, reverse: bool, pk_set: set[int], **kwargs: Any
) -> None:
    if action == "post_add" and not reverse:
        Note.objects.create(kind="label", number=instance.number, text=instance.email)


@receiver(m2m_changed, sender=Order.tags.through)
def count(sender: Any, instance: Tag, action: str, reverse: bool, **kwargs: Any) -> None:
    if not reverse or action != "post_add":
        return
    Note.objects.create(kind="count", number=instance.word, text="")


@receiver(m2m_changed, sender=Order.tags.through)
def relabel(sender: Any, instance: Order | Tag, action: str, **kwargs: Any) -> None:
    if action == "post_remove":
        Note.objects.create(kind="relabel", number=str(instance.pk), text="")


@receiver(post_delete, sender=Order)
def mourn(sender: type[Order], instance: Order, **kwargs: Any) -> None:
    Note.objects.create(kind="mourned", number=instance.number, text="")


@receiver(order_paid)
def confirm(sender: Any, order: Order, amount: int, **kwargs: Any) -> None:
    Note.objects.create(kind="confirm", number=order.number, text=f"{amount} from {order.email}")


@receiver(order_sent)
def follow(sender: Any, order: Order, **kwargs: Any) -> str:
    Note.objects.create(kind="follow", number=order.number, text="")
    return "followed"


@receiver(order_sent)
def track(sender: Any, **kwargs: Any) -> None:
    Note.objects.create(kind="track", number=kwargs["order"].number, text="")
