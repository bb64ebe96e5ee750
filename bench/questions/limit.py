"""The limit: what can be done without Django, with one statement for each 500 events."""

import json
import os
import time

import psycopg
import redis

from bench.rounds import timed
from carveout.events.event import PartitionRef
from carveout.redis import keys

BATCH = 500
STORE = """
    WITH moved AS (
        UPDATE bench_cursor SET position = %(new)s WHERE position = %(old)s RETURNING 1
    )
    INSERT INTO bench_effect (event_id, key, number, started_at)
    SELECT event_id, key, number, started_at FROM moved, json_to_recordset(%(rows)s)
        AS row (event_id uuid, key text, number int, started_at float)
"""
TABLES = """
    CREATE TABLE IF NOT EXISTS bench_cursor (position bigint);
    CREATE TABLE IF NOT EXISTS bench_effect (LIKE bulk_effect INCLUDING ALL);
"""


class Limit:
    """Reads the stream of the backlog as a program would that knows nothing else."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._redis = redis.Redis.from_url(os.environ["REDIS_URL"])
        self._postgres = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        self._postgres.execute(TABLES)
        self._stream = keys.stream(PartitionRef("source", 0))

    def run(self) -> float:
        """Seconds per event."""
        self._postgres.execute("TRUNCATE bench_cursor, bench_effect")
        self._postgres.execute("INSERT INTO bench_cursor VALUES (0)")
        return timed(self._consume, self._count)

    def _consume(self) -> None:
        position = 0
        while entries := self._redis.xrange(self._stream, f"({position}-0", count=BATCH):
            new = int(entries[-1][0].split(b"-")[0])
            rows = json.dumps([_row(fields) for _, fields in entries])
            stored = self._postgres.execute(STORE, {"old": position, "new": new, "rows": rows})
            assert stored.rowcount == len(entries)
            position = new


def _row(fields: dict[bytes, bytes]) -> dict:
    return {
        "event_id": fields[b"id"].decode(),
        "key": fields[b"subject"].decode(),
        "number": json.loads(fields[b"data"])["number"],
        "started_at": time.time(),
    }
