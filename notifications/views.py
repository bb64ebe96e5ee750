"""The fragment that the order page loads: what was sent, and when."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notifications.models import Notification


@require_safe
@never_cache
def order_fragment(request: HttpRequest, number: str) -> HttpResponse:
    """What was sent about one order, to its customer and to staff.

    Another customer gets the same answer as for an order that does not exist.
    """
    customer = request.customer
    if customer is None:
        return render(request, "notifications/sign_in.html", status=403)
    rows = Notification.objects.filter(order_number=number).order_by("created_at", "pk")
    if not customer.is_staff:
        rows = rows.filter(customer_id=str(customer.id))
    return render(request, "notifications/order.html", {"notifications": rows})
