"""The admin with ten million events and 100,000 deliveries: how long pages take, by which plans.

    python -m bench.ten_million [ROWS]

Not one of the ratios: each page has to be there within 300 ms on whatever machine an operator has.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROUNDS = 5
GOAL_MS = 300
CHUNK = 1_000_000
SECONDS_APART = 3
"""Between two events: ten million are about a year."""

FILL = """
    INSERT INTO carveout_loggedevent (
        context, partition, position, event_id, type, version, key, time, data,
        carries, carried, correlation_id, causation_id, traceparent)
    SELECT 'orders', 0, number, id,
        CASE WHEN number < 100 THEN 'orders.OrderCancelled'
            WHEN number %% 3 = 0 THEN 'orders.OrderShipped' ELSE 'orders.OrderCreated' END, 1,
        'N-' || number / 3, now() - make_interval(secs => %s::float8 * (%s - number)),
        '{"order_number":"N-' || number / 3 || '"}',
        '', '', '', '', ''
    FROM (SELECT number, gen_random_uuid() AS id FROM generate_series(%s, %s) AS number) AS numbered
"""

DELIVERIES = 100_000
FAIL = """
    INSERT INTO carveout_delivery (
        subscription, context, "partition", position, key, event_id, event, state, attempts, due_at,
        error_type, error, traceback, alike, parked_at)
    SELECT 'notifications.tell_by_email', context, "partition", position, key, event_id,
        '{}', CASE WHEN id %% 3 = 0 THEN 'dead' ELSE 'waiting' END, 12, now() + interval '1 day',
        'smtplib.SMTPServerDisconnected', 'Connection unexpectedly closed',
        repeat('  File "/srv/shop/notifications/mail.py", line 40, in send\n', 40),
        'likeness-' || id %% 50, time
    FROM carveout_loggedevent WHERE id <= %s
"""


@contextmanager
def project() -> Iterator[None]:
    """The reference project with its admin, on a PostgreSQL and a Valkey of our own."""
    from bench import servers

    with servers.started() as (postgres, redis), tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DATABASE_URL": servers.new_database(postgres),
            "REDIS_URL": redis,
            "CARVEOUT_DIR": str(Path(folder)),
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "SECRET_KEY": "for measurements only",
            "DEBUG": "0",
            "HTTPS": "0",
            "ALLOWED_HOSTS": "testserver",
            "LOG_LEVEL": "ERROR",
        }
        import django

        django.setup()
        yield
        from django.db import connection

        connection.close()


def fill(rows: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    from carveout.eventlog import reader
    from carveout.models import Cursor, Partition
    from carveout.subscriptions import subscription

    call_command("migrate", verbosity=0)
    reader.create_partitions("orders")
    for first in range(1, rows + 1, CHUNK):
        with connection.cursor() as cursor:
            last = min(first + CHUNK - 1, rows)
            cursor.execute(FILL, [SECONDS_APART, rows, first, last])
        print(f"{last:,} rows", file=sys.stderr, flush=True)
    Partition.objects.filter(context="orders").update(head=rows)
    for each in subscription.hosted(["notifications", "reviews"]):
        Cursor.objects.create(
            subscription=each.name, context="orders", partition=0, position=rows // 2
        )
    with connection.cursor() as cursor:
        cursor.execute(FAIL, [DELIVERIES])
        cursor.execute("VACUUM ANALYZE")


def pages(rows: int) -> dict[str, str]:
    """What is asked for, by name."""
    from django.urls import reverse
    from django.utils.http import urlencode

    from carveout.models import LoggedEvent

    middle = LoggedEvent.objects.get(pk=rows // 2)
    year_ago = LoggedEvent.objects.get(pk=rows // 100).time
    log = reverse("admin:carveout_loggedevent_changelist")
    queries = {
        "list": {},
        "search by key": {"q": middle.key},
        "search by a key that is not there": {"q": "N-nothing"},
        "search by event id": {"q": str(middle.event_id)},
        "search by type": {"q": "OrderShipped"},
        "search by time": {"q": middle.time.isoformat()},
        "filter by type": {"type": "orders.OrderCreated"},
        "filter by a type of long ago": {"type": "orders.OrderCancelled"},
        "filter by time": {"until": year_ago.isoformat()},
        "correlated events": {"correlation": str(middle.event_id)},
        "filter by context": {"context": "orders"},
    }
    asked = {name: f"{log}?{urlencode(query)}" for name, query in queries.items()}
    asked["one event"] = reverse("admin:carveout_loggedevent_change", args=[middle.pk])
    deliveries = reverse("admin:carveout_delivery_changelist")
    asked["deliveries by error"] = reverse("admin:carveout_delivery_groups")
    asked["deliveries"] = deliveries
    asked["deliveries of one group"] = f"{deliveries}?alike=likeness-7"
    asked["deliveries by key"] = f"{deliveries}?q=N-7"
    asked["subscriptions"] = reverse("admin:carveout_subscriptionrecord_changelist")
    story = reverse("admin:carveout_story_changelist")
    asked["story by event id"] = f"{story}?{urlencode({'q': str(middle.event_id)})}"
    asked["story by key"] = f"{story}?{urlencode({'q': middle.key})}"
    return asked


def measure(asked: dict[str, str]) -> dict[str, list[float]]:
    """Milliseconds of each page, in turns; a round before them does not count."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client()
    client.force_login(get_user_model().objects.create_superuser("staff", password="x"))  # noqa: S106
    took: dict[str, list[float]] = {name: [] for name in asked}
    for counts in (False, *[True] * ROUNDS):
        for name, url in asked.items():
            ms = timed(lambda url=url: client.get(url))
            if counts:
                took[name].append(ms)
    for name, url in asked.items():
        explain(name, lambda url=url: client.get(url))
    return took


def timed(get: Callable[[], object]) -> float:
    from django.http import HttpResponse

    began = time.perf_counter()
    response = get()
    assert isinstance(response, HttpResponse)
    assert response.status_code == 200, response.status_code
    return (time.perf_counter() - began) * 1000


def explain(name: str, get: Callable[[], object]) -> None:
    """Print the plan of the query on the log that takes longest."""
    from django.db import connection

    seen = []

    def watch(execute, sql, params, many, context):
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            seen.append((time.perf_counter() - began, sql, params))

    with connection.execute_wrapper(watch):
        get()
    ours = [each for each in seen if "FROM" in each[1] and "carveout_loggedevent" in each[1]]
    print(f"\n# {name}: {len(seen)} queries, {len(ours)} on the log")
    if ours:
        _, sql, params = max(ours)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, BUFFERS) {sql}", params)
            print("\n".join(line for (line,) in cursor.fetchall()))


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with project():
        fill(rows)
        took = measure(pages(rows))
    print(f"\n| page | median ms of {ROUNDS} | lowest | highest |\n|---|---|---|---|")
    for name, each in took.items():
        print(f"| {name} | {statistics.median(each):.0f} | {min(each):.0f} | {max(each):.0f} |")
    late = [name for name, each in took.items() if statistics.median(each) > GOAL_MS]
    sys.exit(f"Over {GOAL_MS} ms: {', '.join(late)}" if late else 0)


if __name__ == "__main__":
    main()
