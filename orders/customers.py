"""Identifies the customer by the signed token, without reading a user table."""

from functools import wraps
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.views import redirect_to_login


class Customer(NamedTuple):
    id: str
    email: str
    is_staff: bool


def customer_of(user) -> Customer:
    """The customer behind a verified token's user, in pages as in REST."""
    return Customer(str(user.id), user.token.get("email", ""), user.is_staff)


def signed_in(view):
    """Give the view its customer as second argument, or send the visitor to sign in first."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        if request.customer is None:
            return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
        return view(request, customer_of(request.customer), *args, **kwargs)

    return guarded
