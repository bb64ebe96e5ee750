"""consume_lookup_http: a handler that needs the order of each event, fetched over HTTP by the kit,
to the same handler with each order fetched by itself.

The owner of the orders is a process of its own, and keeps connections open.
"""

import os
import socket
import uuid

from asking.lookups import WholeOrder
from asking.models import Effect
from django.db import transaction
from effect import values
from source.services import order_with_line

import carveout
from bench.backlog import consumer, drain, empty, heard, migrate, prepare, rewind
from bench.rounds import Answer, Scale, in_turns, timed
from bench.workers import WorkerProcess, eventually
from carveout.consumers.consumer import Consumer

EVENTS = 2_000
ONE_BY_ONE = 500


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    scale = Scale(quick)
    count, few = scale.of(EVENTS), scale.of(ONE_BY_ONE)
    migrate()
    numbers = [order_with_line().number for _ in range(count)]
    prepare(count, keys=numbers)
    port = os.environ["FREE_PORT"]
    with WorkerProcess("runserver", "--noreload", port, env={"CONTEXTS": "source"}):
        eventually(lambda: _listens(port))
        ours = consumer("asking")
        ways = {
            "ours": lambda: _consume(ours, count),
            "one by one": lambda: timed(lambda: _fetch_and_store(numbers[:few]), few),
        }
        taken = in_turns(scale, ways, "lookup_http")
    return {key: taken.rates("ours", "one by one") for key in keys}


def _listens(port: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(port))).close()
    except ConnectionRefusedError:
        return False
    return True


def _consume(ours: Consumer, count: int) -> float:
    rewind("asking")
    seconds = timed(lambda: drain(ours), count)
    assert heard("asking") == count
    return seconds


def _fetch_and_store(numbers: list[str]) -> None:
    empty("asking")
    orders = [carveout.look_up(WholeOrder, number) for number in numbers]
    with transaction.atomic():
        for number, order in enumerate(orders):
            Effect.objects.create(**values(uuid.uuid4(), order.number, number))
