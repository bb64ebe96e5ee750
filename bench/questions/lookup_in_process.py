"""lookup_in_process: look_up of an order in one process, to the data of its serializer."""

from itertools import cycle

from asking.lookups import WholeOrder
from source.lookups import OrderSerializer
from source.models import Order
from source.services import order_with_line

import carveout
from bench.backlog import analyze, migrate
from bench.rounds import Answer, Scale, in_turns, repeated, timed

ORDERS = 200
LOOKUPS = 20
"""In a row, before the other gets its turn."""
STRETCHES = 20


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    migrate()
    numbers = cycle([order_with_line().number for _ in range(ORDERS)])
    analyze()

    def look_up() -> None:
        assert carveout.look_up(WholeOrder, next(numbers)).lines

    def serialize() -> None:
        order = Order.objects.prefetch_related("lines").get(number=next(numbers))
        assert OrderSerializer(order).data["lines"]

    ways = {
        "ours": lambda: timed(repeated(look_up, LOOKUPS), LOOKUPS),
        "bare": lambda: timed(repeated(serialize, LOOKUPS), LOOKUPS),
    }
    taken = in_turns(Scale(quick), ways, "lookup_in_process", stretches=STRETCHES)
    return {key: taken.times("ours", "bare") for key in keys}
