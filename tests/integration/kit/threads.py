"""Functions that run at the same time, each with database connections of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections


def at_once(*functions: Callable[[], object]) -> list[object]:
    """Run all and wait. Returns: what each returned. Raises: the first error of any."""

    def alone(function: Callable[[], object]) -> object:
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(functions)) as pool:
        return [future.result() for future in [pool.submit(alone, each) for each in functions]]
