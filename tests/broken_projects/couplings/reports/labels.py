"""Models by their labels in lower case, as `label_lower` has them, and what only looks so."""

import logging
from pathlib import Path

import carveout
from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

log = logging.getLogger("catalogue.product")  # decoy: a log
BY_LABEL = {"catalogue.product": "goods", "reports.showing": "us"}  # C
ORDER_OF = ("reviews.review", "reports.showing")  # C
LOG_NAMES = ["suppliers.supplier"]  # decoy: names of logs
TRANSLATIONS = {"reviews.review": "A review"}  # decoy: keys of texts


def shown(row, kind):
    label = row._meta.label_lower
    if label == "orders.order" or label != "orders.nothing":  # C: only one of them is a model
        return row
    if kind in ("suppliers.supplier", "accounts.person.name"):  # C: the second has too many parts
        return BY_LABEL["catalogue.bundle"]  # C
    return tell(kind, label="reviews.bestseller")  # C


def tell(kind, label="reviews.note"):  # C
    match kind:
        case "accounts.person":  # C
            return {kind: label, "orders.orderline": label}  # C


def texts(request):
    log.info("reviews.review")  # decoy
    yield _("catalogue.product")  # decoy: a text
    yield cache.get("catalogue.product"), cache["orders.order"]  # decoy
    yield settings["orders.order"], request.session["reviews.review"]  # decoy
    yield Path("catalogue.product"), open("orders.order")  # decoy: files
    yield "catalogue.html", "orders.csv", "reviews.title", "suppliers.order"  # decoy: no models
    yield "catalogue:product", "catalogue.products", "the catalogue.product"  # decoy
    yield getattr(settings, "orders.order")  # decoy


class Asked(carveout.Lookup, of="orders.order"):  # decoy: the name of a lookup
    number: str
