"""A backlog: events in the streams that consumers can be sent through again and again."""

from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from source.events import OrderPlaced

import carveout
from carveout.consumers.consumer import Consumer
from carveout.eventlog.relay import Relay
from carveout.management.workers import Worker, freeze
from carveout.models import Cursor, Delivery

KEYS = 1_000
EVENTS_OF_TRANSACTION = 500


def migrate() -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)


def publish(count: int, *, keys: list[str] | None = None) -> None:
    """Publish events with the numbers 0 to `count`."""
    for first in range(0, count, EVENTS_OF_TRANSACTION):
        with transaction.atomic():
            for number in range(first, min(first + EVENTS_OF_TRANSACTION, count)):
                key = keys[number] if keys else f"K-{number % KEYS}"
                carveout.publish(OrderPlaced(order_number=key, number=number))


def drain(worker: Worker) -> int:
    """Run until there is nothing left, and let the worker live. Returns: how much it did."""
    total = 0
    while done := worker.run_once():
        total += done
    return total


def prepare(count: int, *, keys: list[str] | None = None) -> None:
    """Tables, and so many events in the streams."""
    migrate()
    publish(count, keys=keys)
    drain(Relay(["source"]))
    analyze()
    freeze()  # as a worker does when it starts


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def rewind(context: str) -> None:
    """Nothing was heard yet in a context."""
    empty(context)
    Delivery.objects.filter(subscription__startswith=f"{context}.").delete()
    Cursor.objects.filter(subscription__startswith=f"{context}.").update(position=0, event_id=None)


def empty(context: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {apps.get_model(context, 'Effect')._meta.db_table}")


def heard(context: str) -> int:
    return apps.get_model(context, "Effect").objects.count()


def consumer(context: str) -> Consumer:
    """One that has its cursors and leases, and has heard everything."""
    ours = Consumer([context])
    drain(ours)
    return ours
