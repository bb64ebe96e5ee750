from django.dispatch import receiver

from goods.signals import sold  # C
from people.models import Person
from people.signals import post_save


@receiver(sold, sender=Person)  # C: of another app's signal, though an own model sends it
def thank(sender, **kwargs):
    pass


@receiver(post_save)  # C: of every model
def watch(sender, **kwargs):
    pass


@receiver(post_save, sender=Person)  # decoy
def greet(sender, **kwargs):
    pass
