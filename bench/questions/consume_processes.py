"""consume_2_procs: two consumers on two partitions, to one on both. One event at a time."""

import os

import redis

from bench.backlog import heard, prepare, rewind
from bench.rounds import Answer, Scale, in_turns, timed
from bench.workers import WorkerProcess, eventually

EVENTS = 6_000
PARTITIONS = 2


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    scale = Scale(quick)
    count = scale.of(EVENTS)
    prepare(count)
    with WorkerProcess("consume", "single"):
        ways = {"two": lambda: _with_another(count), "one": lambda: _consume(count, holders=1)}
        taken = in_turns(scale, ways, "consume_processes")
    return {key: taken.rates("two", "one") for key in keys}


def _with_another(count: int) -> float:
    with WorkerProcess("consume", "single"):
        return _consume(count, holders=2)


def _consume(count: int, holders: int) -> float:
    """Seconds per event, with both partitions in the hands of so many consumers."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        eventually(lambda: _holders(client) == (PARTITIONS, holders))
    rewind("single")
    return timed(lambda: eventually(lambda: heard("single") == count), count)


def _holders(client: redis.Redis) -> tuple[int, int]:
    """How many partitions are held, and by how many."""
    held = [client.get(key) for key in client.scan_iter("carveout:*:lease:single")]
    return len(held), len(set(held))
