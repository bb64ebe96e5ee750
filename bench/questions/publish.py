"""publish_pg, publish_sqlite: an order with a line and its event, to the same without the event.
publish_many: five events in one order, in one call, to one.

Everything with the wake-up of the relay, which is sent after the commit.
"""

from django.db import transaction
from source.events import OrderPlaced
from source.services import order_with_line

import carveout
from bench.backlog import migrate
from bench.rounds import Answer, Scale, in_turns, repeated, timed

MANY = 5
ORDERS = 20
"""In a row, before the others get their turn."""
STRETCHES = 20


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    migrate()
    scale = Scale(quick)
    events_of = {"bare": 0, "one": 1}
    if "publish_many" in keys:
        events_of["many"] = MANY
    ways = {name: _orders_with(events) for name, events in events_of.items()}
    taken = in_turns(scale, ways, "publish", stretches=STRETCHES)
    compared = {"publish_many": ("many", "one")}
    return {key: taken.times(*compared.get(key, ("one", "bare"))) for key in keys}


def _orders_with(events: int):
    return lambda: timed(repeated(lambda: _place(events), ORDERS), ORDERS)


def _place(events: int) -> None:
    with transaction.atomic():
        order = order_with_line()
        placed = [OrderPlaced(order_number=order.number, number=each) for each in range(events)]
        carveout.publish_many(placed)
