"""Planted into a copy of notifications: writes down what it hears, and dies or stops when told to.

What the real subscribers do may be repeated without harm, so they would hide a repetition. This
one adds a row each time.
"""

import os
import signal
import sys
from functools import partial

from django.conf import settings
from django.db import connection, transaction

import carveout
from carveout.redis import streams


@carveout.subscribe("orders.OrderCreated")
def hear(event) -> None:
    die("before commit")
    transaction.on_commit(partial(die, "after commit"))
    write_down("consumer", event)


@carveout.subscribe("orders.OrderCreated", via="rq")
def hear_in_job(event) -> None:
    write_down("job", event)


def append_and_die(*args, **options) -> int:
    die("before XADD")
    accepted = append(*args, **options)
    if accepted > 0:
        die("after XADD")
    return accepted


def read_and_stop(*args) -> tuple:
    events, mark = read(*args)
    if events and "notifications" in sys.argv:  # other contexts' consumers read too
        if_told("stop after reading", signal.SIGSTOP)
    return events, mark


def write_down(where: str, event) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO witnessed VALUES (%s, %s)", [where, event.key])


def if_told(moment: str, sent: signal.Signals) -> None:
    """Send ourselves a signal, if a file of that name says so; once."""
    wish = settings.STATE_DIR / moment
    if wish.exists():
        wish.unlink()
        os.kill(os.getpid(), sent)


die = partial(if_told, sent=signal.SIGKILL)
append, streams.append = streams.append, append_and_die
read, streams.read = streams.read, read_and_stop
