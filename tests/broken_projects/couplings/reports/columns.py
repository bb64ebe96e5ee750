"""What other modules hand to queries."""

FIELDS = ("bundle__name", "pk")
LABELS = {"bundle__supplier__name": "Supplier", "by": "review__stars"}


def of_orders():
    return {"shown_of__paid": True}


class Columns:
    joined = ["review"]
    late = {"shown_of__paid": False}
