from reviews.models import Review, VerifiedCustomer


def to_review(request) -> dict:
    """How many products the customer bought and has not reviewed, for every page's head."""
    customer = getattr(request, "user", None)
    if customer is None or not customer.is_authenticated:
        return {}
    written = Review.objects.filter(customer=customer).values("product")
    bought = VerifiedCustomer.objects.filter(customer=customer)
    return {"products_to_review": bought.exclude(product__in=written).count()}
