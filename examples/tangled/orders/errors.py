class OrderError(Exception):
    """What was asked can't be done with this order; the message says why."""


class OutOfStock(OrderError):
    pass


class StatusForbids(OrderError):
    pass
