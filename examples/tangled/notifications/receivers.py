from django.db.models.signals import post_save
from django.dispatch import receiver

from notifications import services


@receiver(post_save, sender="catalogue.Product")
def tell_of_stock(instance, **kwargs):
    """Whoever waits for a product hears of it as soon as there is some."""
    if instance.stock > 0:
        services.tell_of_stock(instance)
