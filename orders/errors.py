"""Errors of placing and changing orders."""


class OrderError(Exception):
    """An order could not do what was asked."""


class InvalidOrder(OrderError):
    """The request can't become an order; `errors` gives the reasons per field.

    Reasons about lines are in a list as long as the lines, as in Django REST framework.
    """

    def __init__(self, errors: dict):
        super().__init__("; ".join(reasons(errors)))
        self.errors = errors


def reasons(errors) -> list[str]:
    """The reasons in nested errors, each once."""
    if isinstance(errors, str):
        return [errors]
    parts = errors.values() if isinstance(errors, dict) else errors
    return list(dict.fromkeys(reason for part in parts for reason in reasons(part)))


class KeyReused(OrderError):
    """This idempotency key was already used for a different order."""

    def __init__(self, order):
        super().__init__(
            f"This key was used for order {order.number}, which asked for other things."
        )
        self.order = order


class StatusForbids(OrderError):
    """The order's status does not allow this."""


class OrderNotFound(OrderError):
    """There is no order with this number."""
