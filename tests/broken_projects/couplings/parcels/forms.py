from django import forms
from django.views.generic import ListView

from catalogue import models as shelf  # C
from orders.models import Order, OrderLine  # C
from parcels.models import Parcel


class OrderForm(forms.ModelForm):
    class Meta:
        model = Order  # C
        fields = ["paid"]


class ParcelForm(forms.ModelForm):
    class Meta:
        model = Parcel  # decoy: our own
        fields = ["sent", "order"]  # decoy: its own column


class Lines(ListView):
    queryset = OrderLine.objects.filter(order__paid=True)  # C C
    ordering = ["product__name", "-order__created"]  # C: orders are told above


class Products(ListView):
    model = shelf.Product  # C
    template_name = "parcels/none.html"


class Chosen:
    model = Order  # decoy: no class of Django's
