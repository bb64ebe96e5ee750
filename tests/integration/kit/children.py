"""Work in a process of its own, which may be killed."""

import os
import warnings
from collections.abc import Callable

from django.db import connections


def in_a_child(work: Callable[[], object]) -> int:
    """Returns: by which signal the child ended; 0 if in peace."""
    _, status = os.waitpid(start(work), 0)
    return os.WTERMSIG(status)


def start(work: Callable[[], object]) -> int:
    """Returns: the child's process ID; the caller waits for it."""
    connections.close_all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a process with threads forks
        child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child
