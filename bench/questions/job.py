"""job_cpu_vs_handler: the CPU of a delivery in a job, to the same lookup and effect without one.

The job worker and the servers count.
"""

import time
import uuid
from collections.abc import Callable

from asking.lookups import WholeOrder
from asking.models import Effect
from django.core.management import call_command
from django.db import transaction
from effect import values
from source.events import OrderPaid
from source.services import order_with_line

import carveout
from bench import cpu
from bench.backlog import analyze, consumer, drain, empty, heard, migrate, rewind
from bench.rounds import Answer, Scale, in_turns
from carveout.consumers.consumer import Consumer
from carveout.eventlog.relay import Relay
from carveout.management.workers import freeze

ORDERS = 300


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    scale = Scale(quick)
    migrate()
    numbers = [order_with_line().number for _ in range(scale.of(ORDERS))]
    with transaction.atomic():
        carveout.publish_many([OrderPaid(order_number=number) for number in numbers])
    drain(Relay(["source"]))
    analyze()
    freeze()
    ours, servers = consumer("asking"), cpu.servers()
    ways = {
        "job": lambda: _in_jobs(ours, servers, len(numbers)),
        "handler": lambda: _by_hand(servers, numbers),
    }
    taken = in_turns(scale, ways, "job")
    return {key: taken.times("job", "handler") for key in keys}


def _in_jobs(ours: Consumer, servers: list[int], count: int) -> float:
    rewind("asking")
    drain(ours)
    used = _used(servers, lambda: call_command("work", "asking", once=True, verbosity=0))
    assert heard("asking") == count
    return used / count


def _by_hand(servers: list[int], numbers: list[str]) -> float:
    empty("asking")
    return _used(servers, lambda: [_handle(number) for number in numbers]) / len(numbers)


def _handle(number: str) -> None:
    order = carveout.look_up(WholeOrder, number)
    with transaction.atomic():
        Effect.objects.create(**values(uuid.uuid4(), order.number, 0))


def _used(servers: list[int], work: Callable[[], object]) -> float:
    """CPU seconds of this process and the servers."""
    before = time.process_time() + cpu.of_trees(servers)
    work()
    return time.process_time() + cpu.of_trees(servers) - before
