"""Identifies the customer: each deployment verifies the signed token itself.

Customers sign in at the storefront, which puts the token into a cookie; REST clients send it in
the header `Authorization: Bearer …`. No user table is read here.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import SessionAuthentication
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.models import TokenUser

_tokens = JWTStatelessUserAuthentication()


def customer_of(request: HttpRequest) -> TokenUser | None:
    """The customer whose valid token is in the cookie; None if it is forged or expired."""
    cookie = request.COOKIES.get(settings.CUSTOMER_COOKIE)
    if not cookie:
        return None
    try:
        return _tokens.get_user(_tokens.get_validated_token(cookie.encode()))
    except (
        InvalidToken,
        RecursionError,
    ):  # a deeply nested JSON header is parsed before the signature
        return None


class CustomerMiddleware:
    """Sets `request.customer`: a TokenUser, or None."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.customer = customer_of(request)
        return self.get_response(request)


def customer(request: HttpRequest) -> dict:
    """Context processor: `customer` in every template."""
    return {"customer": getattr(request, "customer", None)}


class CookieTokenAuthentication(SessionAuthentication):
    """Authenticates REST from our own pages as the cookie's customer.

    Browsers send cookies automatically, so unsafe methods need the CSRF token too.
    """

    def authenticate(self, request):
        found = customer_of(request)
        if found is None:
            return None
        self.enforce_csrf(request)
        return found, found.token
