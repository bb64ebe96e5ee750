from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from catalogue.models import Product
from notifications import services
from notifications.models import Kind, StockAlert
from orders.models import Order


@login_required
@require_POST
def alert(request, sku):
    """Remember that a customer waits for a product."""
    product = get_object_or_404(Product, sku=sku)
    StockAlert.objects.get_or_create(product=product, customer=request.user)
    messages.success(request, "You will hear from us.")
    return redirect("catalogue:product", sku)


@permission_required("orders.change_order", raise_exception=True)
@require_POST
def resend(request, number):
    """Send an order's confirmation again."""
    services.tell(Kind.CONFIRMATION, get_object_or_404(Order, number=number))
    return redirect("orders:order", number)
