"""Units of work: a context manager, a decorator, and a base class."""

from contextlib import contextmanager
from functools import wraps

from django.db import transaction


@contextmanager
def unit():
    with transaction.atomic():
        yield


class Unit:
    def __enter__(self):
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def __exit__(self, *raised):
        self.atomic.__exit__(*raised)


def in_unit(function):
    @wraps(function)
    def inner(*args, **kwargs):
        with transaction.atomic():
            return function(*args, **kwargs)

    return inner


class Command:
    def run(self):
        with transaction.atomic():
            self.execute()
