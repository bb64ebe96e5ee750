"""The work of each peer: one row for an event."""

import time
import uuid
from collections.abc import Iterator

from django.core.management import call_command
from django.db import connection
from effect import values
from single.models import Effect

LOOK_EVERY_S = 0.01
TIMEOUT_S = 120.0


def store(event_id: str, key: str, number: int) -> None:
    Effect.objects.create(**values(uuid.UUID(event_id), key, number))


def events(count: int) -> Iterator[tuple[str, str, int]]:
    for number in range(count):
        yield str(uuid.uuid4()), f"K-{number % 1_000}", number


def migrate() -> None:
    """Tables of the peer; those of the project may be there already."""
    call_command("migrate", run_syncdb=True, verbosity=0)


def empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE single_effect")


def wait_for(count: int) -> None:
    """Until so many rows are there. Raises: TimeoutError"""
    deadline = time.monotonic() + TIMEOUT_S
    while Effect.objects.count() < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{Effect.objects.count()} of {count} rows")
        time.sleep(LOOK_EVERY_S)
