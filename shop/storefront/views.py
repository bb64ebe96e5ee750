"""Product pages."""

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from shop.catalogue.models import Product

PRODUCTS_PER_PAGE = 24


@require_safe
def product_list(request: HttpRequest) -> HttpResponse:
    """All products, or those whose name or artist matches `?q=`."""
    words = request.GET.get("q", "").replace("\0", "").strip()
    products = Product.objects.filter(Q(name__icontains=words) | Q(artist__icontains=words))
    page = Paginator(products, PRODUCTS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "storefront/product_list.html", {"page": page, "words": words})


@require_safe
def product_page(request: HttpRequest, sku: str) -> HttpResponse:
    """One product. The browser loads its reviews from the context that owns them."""
    product = get_object_or_404(Product, sku=sku)
    return render(request, "storefront/product_page.html", {"product": product})
