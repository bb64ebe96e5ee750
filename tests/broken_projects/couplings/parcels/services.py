from parcels.models import Parcel  # decoy


def parcel_of(order):
    return Parcel.objects.select_related("order").get(order__pk=order.pk, order__paid=True)  # C
