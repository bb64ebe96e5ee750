from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

import carveout
from catalogue.models import Product
from notifications import services
from notifications.lookups import OrderToTell
from notifications.models import Kind, StockAlert


@login_required
@require_POST
def alert(request, sku):
    """Remember that a customer waits for a product."""
    product = get_object_or_404(Product, sku=sku)
    StockAlert.objects.get_or_create(product=product, customer=request.user)
    messages.success(request, "You will hear from us.")
    return redirect("catalogue:product", sku)


@transaction.non_atomic_requests  # nothing is looked up inside a transaction
@permission_required("orders.change_order", raise_exception=True)
@require_POST
def resend(request, number):
    """Send an order's confirmation again."""
    try:
        order = carveout.look_up(OrderToTell, number)
    except carveout.LookupNotFound:
        raise Http404 from None
    services.tell(Kind.CONFIRMATION, order)
    return redirect("orders:order", number)
