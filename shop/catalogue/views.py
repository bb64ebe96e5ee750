"""The fragment that shows a customer an order's stock."""

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shop.catalogue.models import StockDecision


@require_safe
def stock_of_order(request: HttpRequest, number: str) -> HttpResponse:
    """The decision about an order's stock, for its customer and staff.

    Others get the answer for an undecided order, so that trying numbers reveals nothing.
    """
    if request.customer is None:
        return HttpResponseForbidden("Sign in to see your order.")
    decisions = StockDecision.objects.filter(order_number=number)
    if not request.customer.is_staff:
        decisions = decisions.filter(customer_id=str(request.customer.id))
    return render(request, "catalogue/stock.html", {"decision": decisions.first()})
