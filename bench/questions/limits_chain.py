"""latency, cpu: ours, to a chain of psycopg and redis-py that does just log, stream and cursor."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles

from django.db import connection, transaction
from single.models import Effect
from source.services import new_order

from bench import chain, cpu
from bench.backlog import empty, heard, migrate
from bench.questions.cpu_per_event import LOOK_EVERY_S, _flood, _less, _orders, _signal, _used
from bench.questions.latency import (
    EVENTS,
    PAUSE_S,
    PERCENTILES,
    latencies,
    trickle,
    without_warm_up,
)
from bench.rounds import Answer, Scale, Taken, in_turns
from bench.side import environment
from bench.workers import eventually, relay_and_consumer
from carveout.redis import fire_and_forget

ORDERS = 1_500


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    migrate()
    scale, answers = Scale(quick), dict[str, Answer]()
    with relay_and_consumer("single") as workers, _chain() as least:
        trickle(1)
        if "latency" in keys:
            answers |= _latency(scale)
        if "cpu_vs_celery" in keys:
            answers["cpu_vs_celery"] = _cpu(scale, workers, least)
    return answers


def _latency(scale: Scale) -> dict[str, Answer]:
    count = scale.of(EVENTS)
    taken = {percentile: Taken(ours=[], limit=[]) for percentile in PERCENTILES}

    def note(name: str, taken_s: list[float]) -> float:
        cut = quantiles(taken_s, n=100)
        for percentile, place in PERCENTILES.items():
            taken[percentile][name].append(cut[place])
        return cut[PERCENTILES["p50"]]

    ways = {
        "ours": lambda: note("ours", latencies(count)),
        "limit": lambda: note("limit", _trickle_least(count)),
    }
    in_turns(scale, ways, "latency")
    return {
        f"latency_{each}_vs_celery": without_warm_up(taken[each], scale.rounds).times(
            "limit", "ours"
        )
        for each in PERCENTILES
    }


def _cpu(scale: Scale, workers: list[int], least: list[int]) -> Answer:
    servers, count = cpu.servers(), scale.of(ORDERS)
    ways = {
        "bare": lambda: _used(servers, lambda: _orders(count), count),
        "ours": lambda: _used([*workers, *servers], lambda: _flood(workers, count), count),
        "limit": lambda: _used([*least, *servers], lambda: _flood_least(least, count), count),
    }
    taken = in_turns(scale, ways, "cpu")
    taken["mine"] = _less(taken["ours"], taken["bare"])
    taken["least"] = _less(taken["limit"], taken["bare"])
    return taken.times("least", "mine")


def _flood_least(pids: list[int], count: int) -> None:
    empty("single")
    _signal(pids, signal.SIGSTOP)
    for number in range(count):
        _announce(number)
    _signal(pids, signal.SIGCONT)
    eventually(lambda: heard("single") == count, LOOK_EVERY_S)


def _trickle_least(count: int) -> list[float]:
    empty("single")
    committed: list[float] = []
    for number in range(count):
        _announce(number, committed)
        time.sleep(PAUSE_S)
    eventually(lambda: heard("single") == count)
    started = Effect.objects.order_by("number").values_list("started_at", flat=True)
    return [begin - end for begin, end in zip(started, committed, strict=True)]


def _announce(number: int, committed: list[float] | None = None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        key = new_order(uuid.uuid4().hex[:16]).number
        cursor.execute(chain.APPEND, [f"{uuid.uuid4()} {key} {number}"])
        if committed is not None:
            transaction.on_commit(lambda: committed.append(time.time()))
        transaction.on_commit(lambda: fire_and_forget.send("PUBLISH", chain.WAKE, b""))


@contextmanager
def _chain() -> Iterator[list[int]]:
    """Yields: the process ids of its relay and its consumer."""
    chain.begin()
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.chain", part],
            env=environment("bench.project.settings", dict(os.environ)),
        )
        for part in ("relay", "consume")
    ]
    try:
        chain.wait_until_ready()
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
