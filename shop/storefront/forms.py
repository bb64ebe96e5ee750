"""Sign in and sign up."""

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from shop.storefront import services


class SignInForm(forms.Form):
    """E-mail address (or an employee's user name) and password."""

    email = forms.CharField(
        label="E-mail address",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, request, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.request = request
        self.account = None

    def clean(self):
        entered = super().clean()
        if {"email", "password"} <= entered.keys():
            self.account = services.account_for(self.request, **_credentials(entered))
            if self.account is None:
                self.add_error("password", "The e-mail address or the password is wrong.")
        return entered


class SignUpForm(forms.Form):
    """A new customer."""

    name = forms.CharField(
        max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True})
    )
    email = forms.EmailField(
        label="E-mail address",
        max_length=150,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    password = forms.CharField(
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 8 characters, and not a common password.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)

    def clean_email(self):
        email = self.cleaned_data["email"].lower()
        if services.accounts_of(email).exists():
            raise ValidationError("There is an account with this address. Sign in instead.")
        return email

    def clean_password(self):
        password = self.cleaned_data["password"]
        known = {name: self.cleaned_data.get(name, "") for name in ("name", "email")}
        validate_password(password, services.User(first_name=known["name"], email=known["email"]))
        return password


def _credentials(entered: dict) -> dict:
    return {"identifier": entered["email"], "password": entered["password"]}
