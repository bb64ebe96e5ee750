from django import forms


class AddForm(forms.Form):
    sku = forms.SlugField(max_length=32)
    quantity = forms.IntegerField(min_value=1, max_value=100)


class CheckoutForm(forms.Form):
    phone = forms.CharField(max_length=32, required=False, label="Phone, for an SMS")
