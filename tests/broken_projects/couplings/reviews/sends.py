from django.db.models.signals import post_save
from django.dispatch import Signal

import orders.signals as of_orders  # C
from catalogue.models import Product  # C
from catalogue.signals import price_changed  # C
from reviews.models import Review

reviewed = Signal()


def by_hand(product, channel):
    of_orders.order_paid.send(sender=None)  # C
    price_changed.send_robust(Product)  # C
    post_save.send(sender=Product, instance=product)  # C: as if it had been saved
    post_save.send(sender=Review)  # decoy: our own
    reviewed.send(None)  # decoy
    channel.send("orders.signals.order")  # decoy: no signal
