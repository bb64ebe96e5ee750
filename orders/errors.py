"""What can be wrong with what was asked of an order."""


class OrderError(Exception):
    """An order could not do what was asked."""


class InvalidOrder(OrderError):
    """What was asked for can't be an order; `errors` gives the reasons per field.

    Reasons about lines stand in a list as long as the lines, as Django REST framework shapes them.
    """

    def __init__(self, errors: dict):
        super().__init__("; ".join(reasons(errors)))
        self.errors = errors


def reasons(errors) -> list[str]:
    """The reasons among errors of whatever nesting, each said once."""
    if isinstance(errors, str):
        return [errors]
    parts = errors.values() if isinstance(errors, dict) else errors
    return list(dict.fromkeys(reason for part in parts for reason in reasons(part)))


class KeyReused(OrderError):
    """This idempotency key already stands for a different order."""

    def __init__(self, order):
        super().__init__(
            f"This key was used for order {order.number}, which asked for other things."
        )
        self.order = order


class StatusForbids(OrderError):
    """The order's status does not allow this."""


class OrderNotFound(OrderError):
    """There is no order of this number."""
