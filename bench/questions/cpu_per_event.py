"""cpu_vs_celery: the CPU of all processes for an event, from publish to the end of its handler.

Orders are stored while the workers are stopped, each in a transaction with its event. Then relay
and consumer, or Celery's worker, do all that has piled up. What the same orders cost without events
is taken off on both sides.
"""

import os
import signal
import time
from collections.abc import Callable

from django.db import transaction
from source.events import OrderPlaced
from source.services import new_order

import carveout
from bench import cpu, peers
from bench.backlog import empty, heard, migrate
from bench.rounds import Answer, Scale, in_turns
from bench.side import Side
from bench.workers import eventually, relay_and_consumer

ORDERS = 1_500
ORDERS_OF_CELERY = 400
LOOK_EVERY_S = 0.05


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    migrate()
    scale = Scale(quick)
    count, few = scale.of(ORDERS), scale.of(ORDERS_OF_CELERY)
    servers = cpu.servers()
    with relay_and_consumer("single") as workers, peers.running(["celery"]) as sides:
        if not sides:
            return {}
        theirs: Side = sides["celery"]
        ways = {
            "bare": lambda: _used(servers, lambda: _orders(count), count),
            "ours": lambda: _used([*workers, *servers], lambda: _flood(workers, count), count),
            "celery": lambda: _used(
                [theirs.pid, *servers], lambda: _flood_theirs(theirs, few), few
            ),
        }
        _flood(workers, 1)
        _flood_theirs(theirs, 1)
        taken = in_turns(scale, ways, "cpu_per_event")
    taken["mine"] = _less(taken["ours"], taken["bare"])
    taken["theirs"] = _less(taken["celery"], taken["bare"])
    return {key: taken.times("mine", "theirs") for key in keys}


def _used(pids: list[int], work: Callable[[], object], count: int) -> float:
    """CPU seconds per event, of this process and some trees of processes."""
    before = cpu.of_trees(pids) + time.process_time()
    work()
    return (cpu.of_trees(pids) + time.process_time() - before) / count


def _orders(count: int) -> None:
    for _ in range(count):
        with transaction.atomic():
            new_order()


def _flood(workers: list[int], count: int) -> None:
    empty("single")
    _signal(workers, signal.SIGSTOP)
    for number in range(count):
        with transaction.atomic():
            order = new_order()
            carveout.publish(OrderPlaced(order_number=order.number, number=number))
    _signal(workers, signal.SIGCONT)
    eventually(lambda: heard("single") == count, LOOK_EVERY_S)


def _signal(workers: list[int], number: signal.Signals) -> None:
    for pid in workers:
        os.kill(pid, number)


def _flood_theirs(side: Side, count: int) -> None:
    side.call("flood", count)


def _less(all_of_it: list[float], bare: list[float]) -> list[float]:
    return [max(whole - part, 1e-6) for whole, part in zip(all_of_it, bare, strict=True)]
