"""Reviews as customers may see them in the copy of their data."""


def of_customer(customer) -> dict:
    fields = ("product__name", "rating", "text", "created_at")
    return {"reviews": list(customer.reviews.values(*fields))}
