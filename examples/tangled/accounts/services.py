"""What customers can ask of us about their data."""

from django.utils.module_loading import import_string

EXPORTERS = (
    "orders.exports.of_customer",
    "reviews.exports.of_customer",
)


def export(customer) -> dict:
    """All that the shop knows of a customer, by what it is about."""
    data = {"name": customer.name, "email": customer.email}
    for path in EXPORTERS:
        data |= import_string(path)(customer)
    return data


def close_account(customer) -> None:
    """Delete a customer with orders and badges. Reviews stay nameless, messages as proof."""
    customer.delete()
