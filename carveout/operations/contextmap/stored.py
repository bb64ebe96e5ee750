"""Reads cursors, heads and deliveries from the databases of the contexts hosted here."""

from collections.abc import Collection, Iterator

import msgspec
from django.db import Error as DatabaseError
from django.db.models import Count, Value
from django.db.models.functions import Left, StrIndex, Substr

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


def read_databases(unread: list[str]) -> Stored:
    """Read each database once. One that can't be read is left out, and listed in `unread`."""
    found = Stored()
    for database in get_settings().hosted_databases:
        try:
            found.heads |= dict(_heads(database))  # before the cursors, which follow them
            found.reported |= dict(_positions(ReportedCursor, database))
            found.cursors |= dict(_positions(Cursor, database))
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


def parked(database: str, subscriptions: Collection[str]) -> Iterator[tuple[str, str, str, int]]:
    """Counts deliveries that wait or are dead by subscription, event type and state.

    They have no column of the type. It is cut out of the event's JSON, which may be broken; a type
    that is not found there is "publisher.".
    """
    mark = '"type":"'
    rest = Substr("event", StrIndex("event", Value(mark)) + len(mark))
    states = (Delivery.State.WAITING, Delivery.State.DEAD)
    rows = Delivery.objects.using(database).filter(subscription__in=subscriptions, state__in=states)
    cut = rows.annotate(rest=rest).annotate(type=Left("rest", StrIndex("rest", Value('"')) - 1))
    counted = cut.values("subscription", "context", "type", "state").annotate(count=Count("pk"))
    for each in counted.order_by():
        is_type = each["type"].startswith(f"{each['context']}.")
        type_name = each["type"] if is_type else f"{each['context']}."
        yield each["subscription"], type_name, each["state"], each["count"]
