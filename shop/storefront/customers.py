"""Pages that sign customers up, in and out."""

import math

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from shop.limits import SignInThrottle
from shop.storefront import services
from shop.storefront.forms import SignInForm, SignUpForm
from shop.storefront.renewal import put_token


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail address and password, then go to `next`."""
    throttle = SignInThrottle()
    if request.method == "POST" and not throttle.allow_request(request, None):
        return _too_many(throttle.wait())
    form = SignInForm(request, request.POST or None)
    if form.is_valid():
        return _signed_in(request, form.account)
    return _form_page(request, "storefront/sign_in.html", form)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Open an account and sign in with it."""
    form = SignUpForm(request.POST or None)
    if form.is_valid():
        try:
            with transaction.atomic():
                return _signed_in(request, services.sign_up(**form.cleaned_data))
        except IntegrityError:
            form.add_error("email", "There is an account with this address. Sign in instead.")
    return _form_page(request, "storefront/sign_up.html", form)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Forget the customer in this browser."""
    response = redirect("storefront:product_list")
    response.delete_cookie(settings.CUSTOMER_COOKIE, samesite="Lax")
    return response


def next_page(request: HttpRequest) -> str:
    """The page to open after signing in: always one of ours, whatever `next` is."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else "/"


def _signed_in(request: HttpRequest, account: AbstractUser) -> HttpResponse:
    response = redirect(next_page(request))
    put_token(response, account)
    rotate_token(request)
    return response


def _too_many(wait_s: float | None) -> HttpResponse:
    seconds = math.ceil(wait_s or 60)
    text = f"Too many attempts to sign in. Try again in {seconds} seconds."
    headers = {"Retry-After": str(seconds)}
    return HttpResponse(text, status=429, content_type="text/plain", headers=headers)


def _form_page(request: HttpRequest, template: str, form) -> HttpResponse:
    context = {"form": form, "next": next_page(request)}
    return render(request, template, context, status=400 if form.is_bound else 200)
