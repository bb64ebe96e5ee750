"""FastStream on Redis Streams, without Django: psycopg alone, and nothing against doubles."""

import asyncio
import os
import time
import uuid

import psycopg
from django.conf import settings
from faststream.redis import RedisBroker, StreamSub

from bench.peers import work

BATCH = 500
STORE = "INSERT INTO single_effect (event_id, key, number, started_at) VALUES (%s, %s, %s, %s)"


def run(count: int) -> float:
    """One event at a time."""
    return asyncio.run(_run(count, batch=False))


def run_batch(count: int) -> float:
    """Batches of 500."""
    return asyncio.run(_run(count, batch=True))


async def _run(count: int, *, batch: bool) -> float:
    stream = f"faststream-{uuid.uuid4()}"
    url = os.environ["DATABASE_URL"]
    broker = RedisBroker(settings.REDIS_URL, logger=None)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("TRUNCATE single_effect")
        await _publish(broker, stream, count)
        done = _subscribe(broker, stream, connection, count, batch=batch)
        started_at = time.perf_counter()
        await broker.start()
        await asyncio.wait_for(done.wait(), work.TIMEOUT_S)
        seconds = time.perf_counter() - started_at
        await broker.stop()
    return seconds / count


async def _publish(broker: RedisBroker, stream: str, count: int) -> None:
    await broker.connect()
    for event_id, key, number in work.events(count):
        event = {"event_id": event_id, "key": key, "number": number}
        await broker.publish(event, stream=stream)


def _subscribe(
    broker: RedisBroker,
    stream: str,
    connection: psycopg.AsyncConnection,
    count: int,
    *,
    batch: bool,
) -> asyncio.Event:
    """Returns: set when so many were handled."""
    done, handled = asyncio.Event(), 0
    size = {"batch": True, "max_records": BATCH} if batch else {"max_records": 1}
    source = StreamSub(stream, group="bench", consumer="one", last_id="0", **size)

    async def store(events: list[dict]) -> None:
        nonlocal handled
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.executemany(STORE, [_values(event) for event in events])
        handled += len(events)
        if handled >= count:
            done.set()

    if batch:

        @broker.subscriber(stream=source)
        async def handle_all(events: list[dict]) -> None:
            await store(events)

    else:

        @broker.subscriber(stream=source)
        async def handle(event: dict) -> None:
            await store([event])

    return done


def _values(event: dict) -> tuple:
    return event["event_id"], event["key"], event["number"], time.time()
