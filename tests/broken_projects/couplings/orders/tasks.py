from celery import Task, shared_task

REMIND = "orders/remind"


@shared_task(name="orders.late", queue="orders")
def tell_late():
    """Run by a name that is not its path."""


@shared_task(name=REMIND)
def remind():
    """Run by the name that a constant has."""


@shared_task
def close():
    """Run by its path."""


@shared_task(name="twice")
def first_of_two():
    """Nobody knows which of the two that have this name."""


class Counting(Task):
    name = "count_orders"


class Naming:
    name = "names.nothing"
