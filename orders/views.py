"""The pages of a customer's orders. The basket and the checkout are in checkout.py."""

from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import services
from .customers import signed_in
from .errors import StatusForbids
from .models import Order, Status

ORDERS_PER_PAGE = 20
STOP_POLLING = 286  # https://htmx.org/docs/#polling: swap once more, then stop polling
FINAL = (Status.SHIPPED, Status.CANCELLED)


@require_safe
@never_cache
@signed_in
def order_list(request, customer):
    """The customer's own orders, newest first. Staff find all orders in the admin."""
    orders = Order.objects.filter(customer_id=customer.id)
    page = Paginator(orders, ORDERS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "orders/list.html", {"page": page})


@require_safe
@never_cache
@signed_in
def order_page(request, customer, number):
    return show(request, customer, visible(customer, number))


@require_safe
@never_cache
@signed_in
def order_status(request, customer, number):
    """The fragment that the order page polls until nothing can change any more."""
    order = visible(customer, number)
    code = STOP_POLLING if order.status in FINAL and "HX-Request" in request.headers else 200
    return render(request, "orders/_status.html", {"order": order}, status=code)


@signed_in
def cancel(request, customer, number):
    order = visible(customer, number)
    if request.method == "POST":
        try:
            services.cancel_order(number, services.reason_of(customer, order))
        except StatusForbids as error:
            order.refresh_from_db()
            return show(request, customer, order, str(error), status=409)
    return redirect("orders:order", number)


def show(request, customer, order, problem="", status=200):
    shown = {"order": order, "problem": problem, "is_staff": customer.is_staff}
    return render(request, "orders/order.html", shown, status=status)


def visible(customer, number) -> Order:
    orders = Order.objects.visible_to(customer).prefetch_related("lines")
    return get_object_or_404(orders, number=number)
