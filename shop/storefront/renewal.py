"""Puts the customer's token into its cookie at sign-in, and renews it while they use the shop.

Other contexts verify only the token, not the account. So it is short-lived, and only this
deployment, where the accounts are, issues the next one.
"""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse

from shop.storefront import services

RENEW_AFTER_S = 300
"""How soon the shop notices an account that was deactivated or is no longer staff."""


def put_token(response: HttpResponse, account: AbstractUser) -> None:
    response.set_cookie(
        settings.CUSTOMER_COOKIE,
        str(services.token_for(account)),
        max_age=settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"],
        httponly=True,
        secure=settings.CUSTOMER_COOKIE_SECURE,
        samesite="Lax",
    )


class RenewalMiddleware:
    """Checks the account if its token is some minutes old. Runs after `CustomerMiddleware`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        customer = request.customer
        if customer is None or time.time() - customer.token.get("iat", 0) < RENEW_AFTER_S:
            return self.get_response(request)
        accounts = get_user_model().objects.filter(pk=customer.id, is_active=True)
        account = accounts.first()
        if account is None:
            request.customer = None
            del request.COOKIES[settings.CUSTOMER_COOKIE]  # REST reads it too
        else:
            customer.token["is_staff"] = account.is_staff
        response = self.get_response(request)
        if settings.CUSTOMER_COOKIE in response.cookies:
            return response  # signed in or out meanwhile
        if account is None:
            response.delete_cookie(settings.CUSTOMER_COOKIE, samesite="Lax")
        else:
            put_token(response, account)
        return response
