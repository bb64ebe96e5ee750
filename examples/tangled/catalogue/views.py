from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from catalogue import services
from catalogue.models import Product


@require_safe
def products(request):
    context = {"products": Product.objects.all(), "bestsellers": services.bestsellers()}
    return render(request, "catalogue/products.html", context)


@require_safe
def product(request, sku):
    shown = get_object_or_404(Product, sku=sku)
    context = {"product": shown, "rating": services.rating(shown)}
    return render(request, "catalogue/product.html", context)
