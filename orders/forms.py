"""The forms on the pages of orders."""

from django import forms

from .lines import MAX_QUANTITY
from .serializers import PHONE


class AddToBasketForm(forms.Form):
    sku = forms.SlugField(max_length=32)
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY)


class ChangeBasketForm(forms.Form):
    sku = forms.SlugField(max_length=32)
    quantity = forms.IntegerField(min_value=0, max_value=MAX_QUANTITY)  # 0 takes it out


class CheckoutForm(forms.Form):
    phone = forms.CharField(
        label="Phone number (optional, for text messages)",
        max_length=32,
        required=False,
        validators=[PHONE],
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    # Created once per page shown: the same page submitted twice places one order.
    token = forms.CharField(min_length=16, max_length=64, widget=forms.HiddenInput)
