"""The orders of suppliers are no orders.models here: decoy."""

import logging

log = logging.getLogger("orders.services")  # decoy


def countries(supplier):
    return supplier.product_set.values_list("country")  # C
