"""The pages from basket to order. Only the last step needs a sign-in."""

import secrets

from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from carveout.errors import LookupFailed

from . import services
from .basket import Basket
from .customers import signed_in
from .errors import InvalidOrder, KeyReused
from .forms import AddToBasketForm, ChangeBasketForm, CheckoutForm
from .lines import MAX_QUANTITY

RETRY_AFTER_S = 5


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def basket(request):
    """Show the basket; a POST from a product page adds to it."""
    if request.method == "POST":
        return changed(request, AddToBasketForm(request.POST), Basket.add)
    return basket_page(request)


@require_POST
def change_basket(request):
    return changed(request, ChangeBasketForm(request.POST), Basket.set)


def changed(request, form, change):
    """Applies a change to the basket, or shows what is wrong with it."""
    if not form.is_valid():
        problems = [f"{field}: {reason[0]}" for field, reason in form.errors.items()]
        return basket_page(request, problems, status=400)
    content = Basket.of(request)
    change(content, form.cleaned_data["sku"], form.cleaned_data["quantity"])
    return content.save_to(redirect("orders:basket"))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def checkout(request, customer):
    """Show what is about to be ordered; a POST orders it."""
    content = Basket.of(request)
    if request.method == "POST":
        return submit(request, customer, content, CheckoutForm(request.POST))
    if not content.quantities:
        return redirect("orders:basket")
    form = CheckoutForm(initial={"token": secrets.token_urlsafe(16)})
    return checkout_page(request, customer, content, form)


def submit(request, customer, content, form):
    """Place the order, empty the basket, and go to the order's page."""
    if not form.is_valid():
        return checkout_page(request, customer, content, form, status=400)
    try:
        placed, _ = services.place_order(
            customer.id,
            customer.email,
            content.wanted_lines(),
            phone=form.cleaned_data["phone"],
            idempotency_key=f"checkout:{form.cleaned_data['token']}",
        )
    except KeyReused as error:
        # This page was submitted before, and the basket has changed since: keep it.
        return redirect("orders:order", error.order.number)
    except InvalidOrder as error:
        return basket_page(request, [str(error)], status=400)
    except LookupFailed:
        return shop_unavailable(request)
    return Basket({}).save_to(redirect("orders:order", placed.number))


def basket_page(request, problems=(), status=200):
    shown = {"problems": problems, "max_quantity": MAX_QUANTITY}
    return page(request, "orders/basket.html", Basket.of(request), shown, status)


def checkout_page(request, customer, content, form, status=200):
    shown = {"form": form, "email": customer.email}
    return page(request, "orders/checkout.html", content, shown, status)


def page(request, template, content, shown, status):
    """A page with the basket's lines, or an apology if the shop can't be asked about them."""
    try:
        lines = content.looked_up()
    except LookupFailed:
        return shop_unavailable(request)
    content_shown = {"lines": lines, "total": sum(line.amount for line in lines)}
    return render(request, template, shown | content_shown, status=status)


def shop_unavailable(request):
    response = render(request, "orders/unavailable.html", status=503)
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response
