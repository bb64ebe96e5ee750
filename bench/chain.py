"""python -m bench.chain relay|consume

The least that log, stream and cursor need: psycopg, redis-py and a statement for each step, with
nothing that looks after what goes wrong. Only the handler is Django's.
"""

import os
import sys
import time

import psycopg
import redis

TABLES = """
    CREATE TABLE IF NOT EXISTS chain_log (id bigserial PRIMARY KEY, position bigint, data text);
    CREATE INDEX IF NOT EXISTS chain_fresh ON chain_log (id) WHERE position IS NULL;
    CREATE UNIQUE INDEX IF NOT EXISTS chain_place ON chain_log (position);
    CREATE TABLE IF NOT EXISTS chain_head (head bigint);
    CREATE TABLE IF NOT EXISTS chain_cursor (position bigint);
    TRUNCATE chain_log, chain_head, chain_cursor;
    INSERT INTO chain_head VALUES (0);
    INSERT INTO chain_cursor VALUES (0);
"""
APPEND = "INSERT INTO chain_log (data) VALUES (%s)"
SEQUENCE = """
    UPDATE chain_head SET head = head;
    WITH placed AS (
        UPDATE chain_log SET position = fresh.place FROM (
            SELECT id, (SELECT head FROM chain_head) + ROW_NUMBER() OVER (ORDER BY id) AS place
            FROM (SELECT id FROM chain_log WHERE position IS NULL ORDER BY id LIMIT 2000) AS few
        ) AS fresh WHERE chain_log.id = fresh.id RETURNING position, data
    ), moved AS (
        UPDATE chain_head SET head = ends.last
        FROM (SELECT MAX(position) AS last FROM placed) AS ends WHERE ends.last IS NOT NULL
    )
    SELECT position, data FROM placed ORDER BY position
"""
MOVE = "UPDATE chain_cursor SET position = %s WHERE position = %s"
WAKE = "chain:wake"
STREAM = "chain:stream"
READY = "chain:ready"
BATCH = 500


def begin() -> None:
    """Tables that are empty, and no stream."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as postgres:
        postgres.execute(TABLES)
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.delete(STREAM, READY)


def relay() -> None:
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    postgres = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    cursor = psycopg.ClientCursor(postgres)
    waking = client.pubsub()
    waking.subscribe(WAKE)
    client.incr(READY)
    while True:
        waking.get_message(timeout=1)
        while True:
            cursor.execute(SEQUENCE)
            cursor.nextset()
            rows = cursor.fetchall()
            if not rows:
                break
            pipeline = client.pipeline(transaction=False)
            for position, data in rows:
                pipeline.execute_command("XADD", STREAM, f"{position}-0", "data", data)
            pipeline.execute()


def consume() -> None:
    import django

    django.setup()
    from django.db import connection, transaction
    from effect import values
    from single.models import Effect

    client, position = redis.Redis.from_url(os.environ["REDIS_URL"]), 0
    client.incr(READY)
    while True:
        reply = client.xread({STREAM: f"{position}-0"}, count=BATCH, block=1000)
        entries = reply[0][1] if reply else []
        if not entries:
            continue
        new = int(entries[-1][0].split(b"-")[0])
        with transaction.atomic(), connection.cursor() as cursor:
            for _, fields in entries:
                event_id, key, number = fields[b"data"].decode().split()
                Effect.objects.create(**values(event_id, key, int(number)))
            cursor.execute(MOVE, [new, position])
        position = new


def wait_until_ready() -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        while int(client.get(READY) or 0) < 2:  # type: ignore[arg-type]
            time.sleep(0.01)


if __name__ == "__main__":
    {"relay": relay, "consume": consume}[sys.argv[1]]()
