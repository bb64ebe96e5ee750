from django.contrib.contenttypes.models import ContentType

from orders.models import Order  # C
from reports.models import Showing


def kinds(rows):
    yield ContentType.objects.get(app_label="catalogue", model="product")  # C
    yield ContentType.objects.get_by_natural_key("suppliers", "supplier")  # C
    yield ContentType.objects.get_for_model(Order)  # C
    yield from ContentType.objects.get_for_models(Order, Showing)  # decoy: told above
    yield rows.filter(kind__app_label="reviews", kind__model="review")  # C
    yield ContentType.objects.filter(app_label="accounts")  # C: all of its models
    yield ContentType.objects.get_for_model(Showing)  # decoy: our own
    yield ContentType.objects.get(app_label="reports", model="showing")  # decoy
    yield ContentType.objects.get(app_label="cars", model="car")  # decoy: no such model
    yield rows.filter(car__model="review")  # decoy: no natural key
    yield dict(app_label="catalogue", model="product")  # decoy: only words
