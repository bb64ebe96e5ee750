"""Limits: how much of ours is left if all that can be missed is taken away.

publish_…: the log's row as one ready-made statement past Django, and the wake-up.
consume_batch_…: entries read and decoded, `bulk_create`, and the cursor, without the kit.
relay_vs_peer: the statement that gives positions, and nothing else.
"""

import json
import os
import uuid
from collections.abc import Callable

import redis
from bulk.models import Effect
from django.db import connection, transaction
from effect import values
from source.events import OrderPlaced
from source.services import order_with_line

import carveout
from bench.backlog import analyze, consumer, drain, empty, heard, migrate, prepare, publish, rewind
from bench.questions.publish import ORDERS, STRETCHES
from bench.rounds import Answer, Scale, in_turns, repeated, timed
from carveout.eventlog import sequencer
from carveout.eventlog.relay import Relay
from carveout.events.event import PartitionRef
from carveout.redis import fire_and_forget, keys

EVENTS = 5_000
BATCH = 500
INSERT = """
    INSERT INTO carveout_loggedevent (event_id, time, context, type, version, key, data,
        carries, carried, correlation_id, causation_id, traceparent) VALUES
"""
VALUES = """
    ('{}', '2026-01-31 12:00:00', 'source', 'source.OrderPlaced', 1, 'K-7', '{{"number":7}}',
        '', '', '', '', '')
"""


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    """How long the limit takes, compared with ours."""
    scale, answers = Scale(quick), dict[str, Answer]()
    migrate()
    if many := [key for key in keys if key.startswith("publish")]:
        answers |= _publishing(scale, many)
    if "relay_vs_peer" in keys:
        count = scale.of(EVENTS)
        ways = {"ours": lambda: _relay(count), "limit": lambda: _positions(count)}
        answers["relay_vs_peer"] = in_turns(scale, ways, "relay").times("limit", "ours")
    if "consume_batch" in keys:
        answers["consume_batch"] = _batches(scale, scale.of(EVENTS))
    return answers


def _publishing(scale: Scale, keys: list[str]) -> dict[str, Answer]:
    ways: dict[str, Callable[[], None]] = {
        "ours": lambda: _place(lambda: carveout.publish_many(_events(1))),
        "many": lambda: _place(lambda: carveout.publish_many(_events(5))),
        "limit": lambda: _place(lambda: _store(1)),
        "limit_many": lambda: _place(lambda: _store(5)),
    }
    taken = in_turns(
        scale, {name: _some(work) for name, work in ways.items()}, "publish", stretches=STRETCHES
    )
    ours = {"publish_many": ("limit_many", "many")}
    return {key: taken.times(*ours.get(key, ("limit", "ours"))) for key in keys}


def _some(work: Callable[[], None]) -> Callable[[], float]:
    return lambda: timed(repeated(work, ORDERS), ORDERS)


def _place(announce: Callable[[], object]) -> None:
    with transaction.atomic():
        order_with_line()
        announce()


def _events(count: int) -> list[OrderPlaced]:
    return [OrderPlaced(order_number="K-7", number=7) for _ in range(count)]


def _store(count: int) -> None:
    rows = ",".join(VALUES.format(uuid.uuid4().hex) for _ in range(count))
    connection.connection.execute(INSERT + rows)
    transaction.on_commit(lambda: fire_and_forget.send("PUBLISH", "limit", b""))


def _relay(count: int) -> float:
    _publish_anew(count)
    relay = Relay(["source"])
    return timed(lambda: drain(relay), count)


def _positions(count: int) -> float:
    _publish_anew(count)

    def give() -> None:
        while sequencer.sequence_returning_records("source", 2_000):
            pass

    return timed(give, count)


def _publish_anew(count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE carveout_loggedevent, carveout_partition, carveout_layout")
    publish(count)
    analyze()
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()


def _batches(scale: Scale, count: int) -> Answer:
    _publish_anew(0)
    prepare(count)
    ours, client = consumer("bulk"), redis.Redis.from_url(os.environ["REDIS_URL"])

    def consume() -> float:
        rewind("bulk")
        return timed(lambda: drain(ours), count)

    def least() -> float:
        empty("bulk")
        return timed(lambda: _read_and_store(client), count)

    taken = in_turns(scale, {"ours": consume, "limit": least}, "batches")
    assert heard("bulk") == count
    return taken.times("limit", "ours")


def _read_and_store(client: redis.Redis) -> None:
    name, after = keys.stream(PartitionRef("source", 0)), 0
    while entries := client.xrange(name, f"({after}-0", count=BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            Effect.objects.bulk_create(_effect(fields) for _, fields in entries)
            after = int(entries[-1][0].split(b"-")[0])
            cursor.execute("UPDATE carveout_cursor SET moved_at = now() WHERE position = %s", [-1])


def _effect(fields: dict[bytes, bytes]) -> Effect:
    number = json.loads(fields[b"data"])["number"]
    return Effect(**values(fields[b"id"].decode(), fields[b"subject"].decode(), number))
