"""relay_vs_redis: events that are committed get positions and are in Redis, to Redis alone.
relay_vs_peer: the same, to django-outbox-pattern's relay.

Redis alone is redis-py with pipelines of 500 XADDs, the fields of the entries ready made.
"""

from collections.abc import Callable
from itertools import chain

import redis
from django.conf import settings
from django.db import connection

from bench import peers
from bench.backlog import analyze, drain, migrate, publish
from bench.rounds import Answer, Scale, in_turns, timed
from carveout.eventlog.relay import Relay
from carveout.events.event import PartitionRef
from carveout.redis import keys

PARTITION = PartitionRef("source", 0)
EVENTS = 10_000
EVENTS_OF_PEER = 1_000
ENTRIES_OF_PIPELINE = 500


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    migrate()
    scale = Scale(quick)
    count = scale.of(EVENTS)
    ways = {"ours": lambda: _relay(count)}
    with peers.running(["outbox"] if "relay_vs_peer" in keys else []) as sides:
        if "relay_vs_redis" in keys:
            _relay(count)
            ways["redis"] = _xadds(count)
        if "outbox" in sides:
            ways["peer"] = lambda: sides["outbox"].call("run", scale.of(EVENTS_OF_PEER))
        taken = in_turns(scale, ways, "relay")
    compared = {"relay_vs_redis": "redis", "relay_vs_peer": "peer"}
    return {key: taken.rates("ours", compared[key]) for key in keys if compared[key] in ways}


def _relay(count: int) -> float:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE carveout_loggedevent, carveout_partition, carveout_layout")
    publish(count)
    analyze()
    with redis.Redis.from_url(settings.CARVEOUT["REDIS_URL"]) as client:
        client.flushdb()
    relay = Relay(["source"])
    return timed(lambda: drain(relay), count)


def _xadds(count: int) -> Callable[[], float]:
    client = redis.Redis.from_url(settings.CARVEOUT["REDIS_URL"])
    commands = [
        ["XADD", "bare", entry_id, *chain(*fields.items())]
        for entry_id, fields in client.xrange(keys.stream(PARTITION))
    ]

    def add() -> None:
        for first in range(0, count, ENTRIES_OF_PIPELINE):
            pipeline = client.pipeline(transaction=False)
            for command in commands[first : first + ENTRIES_OF_PIPELINE]:
                pipeline.execute_command(*command)
            pipeline.execute()

    def empty_and_add() -> float:
        client.delete("bare")
        return timed(add, count)

    return empty_and_add
