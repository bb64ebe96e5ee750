"""A log that is as long as asked for, filled by one statement."""

from functools import cache
from itertools import cycle

from django.db import connection

from bench.backlog import consumer, drain, empty, migrate, publish
from bench.rounds import timed
from carveout.consumers.consumer import Consumer
from carveout.eventlog.relay import Relay
from carveout.models import Cursor, Partition

FILL = """
    INSERT INTO carveout_loggedevent (
        context, partition, position, event_id, type, version, key, time, data,
        carries, carried, correlation_id, causation_id, traceparent)
    SELECT 'source', 0, number, id, 'source.OrderPlaced', 1,
        'K-' || number %% 1000, now(),
        '{"order_number":"K-' || number %% 1000 || '","number":' || number || '}',
        '', '', id, '', ''
    FROM (SELECT number, gen_random_uuid() AS id FROM generate_series(1, %s) AS number) AS numbered
"""
ROUNDS_MAX = 6
_starts = cycle([0])


def fill(rows: int) -> None:
    """So many events with positions, the last of them in the stream, and a consumer at its end."""
    global _starts
    migrate()
    drain(_relay())
    with connection.cursor() as cursor:
        cursor.execute(FILL, [rows])
        cursor.execute("UPDATE carveout_partition SET head = %s", [rows])
        cursor.execute("VACUUM ANALYZE")
    drain(_relay())
    Cursor.objects.create(subscription="bulk.store", context="source", partition=0, position=rows)
    _starts = cycle(range(0, rows, rows // ROUNDS_MAX))


def follow(count: int) -> float:
    """Publish, relay and consume so many. Returns: seconds per event."""
    relay, ours = _relay(), _consumer()

    def end_to_end() -> None:
        publish(count)
        drain(relay)
        drain(ours)

    empty("bulk")
    return timed(end_to_end, count)


def catch_up(count: int) -> float:
    """Seconds per event of history, from the next beginning."""
    return _consume_from(next(_starts), count)


def live(count: int) -> float:
    """Seconds per event of the end of the stream."""
    return _consume_from(_head() - count, count)


def _consume_from(position: int, count: int) -> float:
    ours = _consumer()
    empty("bulk")
    _move_cursor(position)

    def consume() -> None:
        done = 0
        while done < count:
            done += ours.run_once()

    seconds = timed(consume, count)
    _move_cursor(_head())
    ours.run_once()  # finds that its cursor was moved
    drain(ours)
    return seconds


def _head() -> int:
    return Partition.objects.values_list("head", flat=True).get()


def _move_cursor(position: int) -> None:
    Cursor.objects.filter(subscription="bulk.store").update(position=position, event_id=None)


@cache
def _relay() -> Relay:
    return Relay(["source"])


@cache
def _consumer() -> Consumer:
    return consumer("bulk")
