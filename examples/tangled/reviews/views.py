from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from catalogue.models import Product
from reviews.forms import ReviewForm
from reviews.models import Review


@login_required
@require_http_methods(["GET", "POST"])
def write(request, sku):
    """Write a review, or another one in its place. It waits until somebody has read it."""
    product = get_object_or_404(Product, sku=sku)
    earlier = Review.objects.filter(customer=request.user, product=product).first()
    review = earlier or Review(customer=request.user, product=product)
    form = ReviewForm(request.POST or None, instance=review)
    if form.is_valid():
        review.status = Review.Status.PENDING
        form.save()
        messages.success(request, "Thank you. We show it as soon as somebody has read it.")
        return redirect("catalogue:product", sku)
    return render(request, "reviews/write.html", {"form": form, "product": product})
