from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from catalogue.models import Product


def product(request, pk):
    found = get_object_or_404(Product, pk=pk)
    if found.reviews.exists():  # C
        return HttpResponse("reviewed")
    return render(request, "catalogue/product.html", {"product": found})
