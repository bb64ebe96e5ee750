"""announce_save_…: an order whose table announces it, to one that is published by hand.
announce_bulk_…: 500 orders by `bulk_create` into a table that announces them, to one that does not.

The triggers are installed and removed between the turns, which is not measured.
"""

import uuid
from collections.abc import Callable

from django.db import connection, transaction
from source.events import OrderMade, OrderPlaced
from source.models import Order
from source.services import new_order

import carveout
from bench.backlog import migrate
from bench.rounds import Answer, Scale, in_turns, repeated, timed
from carveout.eventlog.triggers import statements
from carveout.eventlog.triggers.announcement import Announcement, registry

LABEL = "source.Order"
BULK = 500
ORDERS = 20
"""In a row, before the others get their turn."""
STRETCHES = 20


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    migrate()
    scale, answers = Scale(quick), dict[str, Answer]()
    carveout.announces(Order, created=OrderMade, fields={"order_number": "number"})
    connection.close()  # the next one is watched
    connection.ensure_connection()
    ours = registry.pop(LABEL)
    for key in keys:
        bulk = key.startswith("announce_bulk")
        ways = _bulk(ours) if bulk else _saves(ours)
        taken = in_turns(scale, ways, key, stretches=10 if bulk else STRETCHES)
        answers[key] = taken.times("announced", "other")
    return answers


def _saves(ours: Announcement) -> dict[str, Callable[[], float]]:
    return {
        "announced": lambda: _announced(ours, repeated(_save, ORDERS), ORDERS),
        "other": lambda: timed(repeated(_publish, ORDERS), ORDERS),
    }


def _bulk(ours: Announcement) -> dict[str, Callable[[], float]]:
    return {
        "announced": lambda: _announced(ours, _create, 1),
        "other": lambda: timed(_create, 1),
    }


def _announced(ours: Announcement, work: Callable[[], object], times: int) -> float:
    registry[LABEL] = ours
    _run(statements.create(ours, connection.vendor))
    try:
        return timed(work, times)
    finally:
        _run(statements.drop(ours, connection.vendor))
        del registry[LABEL]


def _run(sql: list[str]) -> None:
    with connection.cursor() as cursor:
        for each in sql:
            cursor.execute(each)


def _save() -> None:
    with transaction.atomic():
        new_order()


def _publish() -> None:
    with transaction.atomic():
        order = new_order()
        carveout.publish(OrderPlaced(order_number=order.number, number=1))


def _create() -> None:
    orders = [
        Order(number=uuid.uuid4().hex[:16], customer_id="7", email="a@example.com", total=10)
        for _ in range(BULK)
    ]
    Order.objects.bulk_create(orders)
