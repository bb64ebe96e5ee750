"""Reads cursors, heads and deliveries from the databases of the contexts hosted here."""

from collections.abc import Iterator

import msgspec
from django.db import Error as DatabaseError
from django.db.models import Count, Q

from carveout.conf import get_settings
from carveout.events.event import PartitionRef
from carveout.models import Cursor, Delivery, Partition, ReportedCursor

Positions = dict[tuple[str, PartitionRef], int]
"""Positions by subscription and partition."""


class Stored(msgspec.Struct, kw_only=True):
    """What all databases that could be read hold."""

    heads: dict[PartitionRef, int] = {}
    cursors: Positions = {}
    reported: Positions = {}
    deliveries: dict[str, tuple[int, int]] = {}
    """Per subscription, how many are not done and how many are dead."""


def read_databases(unread: list[str]) -> Stored:
    """Read each database once. One that can't be read is left out, and listed in `unread`."""
    found = Stored()
    for database in get_settings().hosted_databases:
        try:
            found.heads |= dict(_heads(database))  # before the cursors, which follow them
            found.reported |= dict(_positions(ReportedCursor, database))
            found.cursors |= dict(_positions(Cursor, database))
            found.deliveries |= dict(_deliveries(database))
        except DatabaseError as error:
            unread.append(f"database {database!r} can't be read: {error}")
    return found


def _heads(database: str) -> Iterator[tuple[PartitionRef, int]]:
    rows = Partition.objects.using(database).filter(context__in=get_settings().hosted)
    for context, number, head in rows.values_list("context", "number", "head"):
        yield PartitionRef(context, number), head


def _positions(
    model: type[Cursor] | type[ReportedCursor], database: str
) -> Iterator[tuple[tuple[str, PartitionRef], int]]:
    rows = model._default_manager.using(database)
    for name, context, partition, position in rows.values_list(
        "subscription", "context", "partition", "position"
    ):
        yield (name, PartitionRef(context, partition)), position


def _deliveries(database: str) -> Iterator[tuple[str, tuple[int, int]]]:
    dead = Q(state=Delivery.State.DEAD)
    rows = Delivery.objects.using(database).values("subscription").order_by("subscription")
    for each in rows.annotate(waiting=Count("id", filter=~dead), dead=Count("id", filter=dead)):
        yield each["subscription"], (each["waiting"], each["dead"])
