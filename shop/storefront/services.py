"""Customers: accounts, and the signed token that they carry to every context."""

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import AbstractUser
from django.db.models import Q
from django.http import HttpRequest
from rest_framework_simplejwt.tokens import AccessToken

User = get_user_model()


def accounts_of(identifier: str):
    """Accounts with this user name or e-mail address, the oldest first; case does not matter."""
    matches = Q(username__iexact=identifier) | Q(email__iexact=identifier)
    return User.objects.filter(matches).order_by("pk")


def account_for(request: HttpRequest, identifier: str, password: str) -> AbstractUser | None:
    """The active account with this user name or e-mail address and password."""
    username = accounts_of(identifier).values_list("username", flat=True).first()
    return authenticate(request, username=username or identifier, password=password)


def sign_up(email: str, name: str, password: str) -> AbstractUser:
    """A new customer's account, with the e-mail address as user name.

    Raises: IntegrityError: somebody took the address a moment ago.
    """
    return User.objects.create_user(email, email, password, first_name=name)


def token_for(user: AbstractUser) -> AccessToken:
    """The customer's data for every context, signed; no context reads the user table."""
    token = AccessToken.for_user(user)
    token["email"] = user.email
    token["name"] = user.get_full_name() or user.get_username()
    token["is_staff"] = user.is_staff
    return token
