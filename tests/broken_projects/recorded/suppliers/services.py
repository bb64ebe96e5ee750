from django.db import transaction


def close(supplier):
    supplier.delete()


def note(order):
    """A transaction over one app's rows, if not our own: nobody shares it."""
    with transaction.atomic():
        type(order).objects.filter(pk=order.pk).update(state="noted")
