"""Orders as customers may see them in the copy of their data."""


def of_customer(customer) -> dict:
    fields = ("number", "status", "total", "placed_at")
    return {"orders": list(customer.orders.values(*fields))}
