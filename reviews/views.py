"""Fragments that other contexts' pages load. Opened directly, they are small pages."""

from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from reviews import services
from reviews.forms import ReviewForm
from reviews.models import Review, VerifiedCustomer

SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@vary_on_headers("HX-Request")
def product_reviews(request: HttpRequest, sku: str) -> HttpResponse:
    """A product's approved reviews, those of verified customers first, and the form for customers
    who have not written one. `?verified=true` leaves the others out."""
    if request.method != "POST":
        return show(request, sku, ReviewForm())
    if request.customer is None:
        return render(request, "reviews/sign_in.html", {"sku": sku}, status=403)
    form = ReviewForm(request.POST, instance=Review(sku=sku))
    if not store(request, sku, form):
        return show(request, sku, form, status=400)  # the base page lets htmx show it anyway
    return show(request, sku, form) if is_fragment(request) else redirect("reviews:product", sku)


def store(request: HttpRequest, sku: str, form: ReviewForm) -> bool:
    """Stores the review. Returns: whether it was stored; if not, the form says why."""
    if not form.is_valid():
        return False
    try:
        services.write_review(request.customer, sku, **form.cleaned_data)
    except services.AlreadyReviewed as error:
        form.add_error(None, str(error))
        return False
    return True


def show(request: HttpRequest, sku: str, form: ReviewForm, status: int = 200) -> HttpResponse:
    only_verified = request.GET.get("verified") == "true"
    context = {
        "sku": sku,
        "groups": groups(sku, [True] if only_verified else [True, False]),
        "only_verified": only_verified,
        "own": own_review(request, sku),
        "form": form,
    }
    template = "reviews/product.html" if is_fragment(request) else "reviews/page.html"
    return render(request, template, context, status=status)


def groups(sku: str, verified: list[bool]) -> list[dict]:
    """Approved reviews by verified customers, or by others, each group with its own rating."""
    approved = Review.objects.approved().filter(sku=sku).with_verified()
    found = []
    for each in verified:
        rows = approved.filter(verified=each)
        found.append({"verified": each, "rating": rows.rating(), "reviews": rows[:SHOWN]})
    return [group for group in found if group["rating"]["count"]]


def own_review(request: HttpRequest, sku: str) -> Review | None:
    if request.customer is None:
        return None
    return Review.objects.of_customer(str(request.customer.id)).filter(sku=sku).first()


def is_fragment(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers


@require_safe
@never_cache
def order_fragment(request: HttpRequest, number: str) -> HttpResponse:
    """What an order proves, to its customer and to staff; to others, as if it did not exist."""
    customer = request.customer
    if customer is None:
        return render(request, "reviews/sign_in.html", status=403)
    rows = VerifiedCustomer.objects.filter(purchases__order_number=number)
    if not customer.is_staff:
        rows = rows.filter(customer_id=str(customer.id))
    proof = rows.aggregate(products=Count("pk"), since=Min("verified_at"))
    return render(request, "reviews/order.html", proof)
