"""The pages from basket to order."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders import basket as content
from orders import services
from orders.errors import OrderError
from orders.forms import AddForm, CheckoutForm
from orders.models import Order


@require_http_methods(["GET", "POST"])
def basket(request):
    """Show the basket; a POST from a product page adds to it."""
    if request.method == "POST":
        form = AddForm(request.POST)
        if form.is_valid():
            content.add(request.session, **form.cleaned_data)
        return redirect("orders:basket")
    lines = content.looked_up(request.session)
    shown = {"lines": lines, "total": sum(line["amount"] for line in lines), "form": CheckoutForm()}
    return render(request, "orders/basket.html", shown)


@login_required
@require_POST
def checkout(request):
    """Order what is in the basket."""
    form = CheckoutForm(request.POST)
    quantities = content.quantities(request.session)
    if not quantities or not form.is_valid():
        return redirect("orders:basket")
    try:
        placed = services.place_order(request.user, quantities, form.cleaned_data["phone"])
    except OrderError as error:
        messages.error(request, str(error))
        return redirect("orders:basket")
    content.empty(request.session)
    return redirect("orders:order", placed.number)


@login_required
@require_safe
def orders(request):
    return render(request, "orders/orders.html", {"orders": request.user.orders.all()})


@login_required
@require_safe
def order(request, number):
    return render(request, "orders/order.html", {"order": visible(request.user, number)})


@login_required
@require_POST
def cancel(request, number):
    try:
        services.cancel_order(visible(request.user, number).number, "by the customer")
    except OrderError as error:
        messages.error(request, str(error))
    return redirect("orders:order", number)


def visible(customer, number: str) -> Order:
    """Customers see their own orders, staff all."""
    orders = Order.objects.all() if customer.is_staff else customer.orders.all()
    return get_object_or_404(orders, number=number)
