"""latency_…_vs_celery: from a commit to the begin of its handler, when there is little to do."""

import time
import uuid
from statistics import quantiles

from django.db import transaction
from single.models import Effect
from source.events import OrderPlaced
from source.services import new_order

import carveout
from bench import peers
from bench.backlog import empty, heard, migrate
from bench.rounds import Answer, Scale, Taken, in_turns
from bench.workers import eventually, relay_and_consumer

EVENTS = 300
PAUSE_S = 0.02
PERCENTILES = {"p50": 49, "p99": 98}


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    migrate()
    scale = Scale(quick)
    count = scale.of(EVENTS)
    taken = {percentile: Taken(ours=[], celery=[]) for percentile in PERCENTILES}

    def note(name: str, latencies: list[float]) -> float:
        cut = quantiles(latencies, n=100)
        for percentile, place in PERCENTILES.items():
            taken[percentile][name].append(cut[place])
        return cut[PERCENTILES["p50"]]

    with relay_and_consumer("single"), peers.running(["celery"]) as sides:
        if not sides:
            return {}
        trickle(1)
        ways = {
            "ours": lambda: note("ours", latencies(count)),
            "celery": lambda: note("celery", sides["celery"].call("trickle", count, PAUSE_S)),
        }
        in_turns(scale, ways, "latency")
    measured = {each: without_warm_up(taken[each], scale.rounds) for each in taken}
    return {key: measured[key.split("_")[1]].times("ours", "celery") for key in keys}


def without_warm_up(taken: Taken, rounds: int) -> Taken:
    return Taken({name: seconds[-rounds:] for name, seconds in taken.items()})


def latencies(count: int) -> list[float]:
    """The seconds from each commit to the begin of its handler."""
    committed = trickle(count)
    started = Effect.objects.order_by("number").values_list("started_at", flat=True)
    return [begin - end for begin, end in zip(started, committed, strict=True)]


def trickle(count: int) -> list[float]:
    """Store orders, slowly, until all were heard. Returns: the times of their commits."""
    empty("single")
    committed: list[float] = []
    for number in range(count):
        with transaction.atomic():
            transaction.on_commit(lambda: committed.append(time.time()))
            key = new_order(uuid.uuid4().hex[:16]).number
            carveout.publish(OrderPlaced(order_number=key, number=number))
        time.sleep(PAUSE_S)
    eventually(lambda: heard("single") == count)
    return committed
