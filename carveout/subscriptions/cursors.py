"""Stores the position of each subscription in each partition."""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone

from carveout.conf import get_settings
from carveout.errors import CursorMoved
from carveout.events import missed
from carveout.events.event import PartitionRef
from carveout.models import Cursor, ReportedCursor
from carveout.redis import groups, streams
from carveout.runtime.storable_text import storable


class CursorPosition(NamedTuple):
    """A position, and the event that was handled there, if known."""

    position: int
    event_id: uuid.UUID | None = None
    paused: bool = False
    """Whether a person has paused the subscription; it then stays here."""


BEGINNING = CursorPosition(0)

_EVENT_ID = Cursor._meta.get_field("event_id")
_ADVANCE = """
    UPDATE carveout_cursor SET position = %s, event_id = %s, moved_at = %s
    WHERE context = %s AND "partition" = %s AND position = %s AND paused_at IS NULL AND ({ours})
"""
_LOG_HAS_IT = """
    EXISTS (
        SELECT 1 FROM carveout_loggedevent AS event
        WHERE event.context = %s AND event."partition" = %s AND event.position = %s
            AND event.event_id = %s
    )
"""


class CursorState(NamedTuple):
    """A subscription's cursor, and the event types that it moves for."""

    at: CursorPosition
    types: str


def positions(
    subscriptions: Collection[str], ref: PartitionRef, database: str
) -> dict[str, CursorPosition]:
    """The cursors of these subscriptions, without those that have none yet."""
    return {name: state.at for name, state in states(subscriptions, ref, database).items()}


def states(
    subscriptions: Collection[str], ref: PartitionRef, database: str
) -> dict[str, CursorState]:
    """The same, with the types that the cursors move for."""
    cursors = Cursor.objects.using(database).filter(
        subscription__in=subscriptions, context=ref.context, partition=ref.number
    )
    rows = cursors.values_list("subscription", "position", "event_id", "paused_at", "hears")
    return {
        subscription: CursorState(CursorPosition(position, event_id, paused_at is not None), types)
        for subscription, position, event_id, paused_at, types in rows
    }


def by_partition(subscription: str, context: str, database: str) -> dict[int, int]:
    """A subscription's position in each partition of a context where it has a cursor."""
    cursors = Cursor.objects.using(database).filter(subscription=subscription, context=context)
    return dict(cursors.values_list("partition", "position"))


def partitions(subscriptions: Collection[str], database: str) -> set[PartitionRef]:
    """The partitions in which any of these subscriptions has a cursor."""
    cursors = Cursor.objects.using(database).filter(subscription__in=subscriptions)
    return {PartitionRef(*row) for row in cursors.values_list("context", "partition")}


def create(
    subscription: str, ref: PartitionRef, at: CursorPosition, database: str, types: str = ""
) -> None:
    """Create a subscription's cursor, unless it has one. It is paused if the others are.

    types: the types that it moves for; other cursors on the context take precedence.
    """
    cursors = Cursor.objects.using(database)
    others = cursors.filter(subscription=subscription, context=ref.context).exclude(hears="")
    types = others.values_list("hears", flat=True).first() or types
    paused = cursors.filter(subscription=subscription, paused_at__isnull=False)
    pause = paused.values("paused_at", "paused_by", "paused_why").first()
    cursors.get_or_create(
        subscription=subscription,
        context=ref.context,
        partition=ref.number,
        defaults={
            "position": at.position,
            "event_id": at.event_id,
            "hears": types,
            **(pause or {}),
        },
    )


def advance(
    types: Mapping[str, str],
    ref: PartitionRef,
    old: CursorPosition,
    new: CursorPosition,
    database: str,
) -> None:
    """Move cursors at the same position, in the open transaction.

    If the log is in the same database, it must have the event at `new`.

    types: by subscription, the types that its cursor moved for when it was read.

    Raises: CursorMoved: one of them is no longer at `old`, was paused, or moves for other types
                now; let the transaction roll back.
            LogMismatch: the log has no such event; let the transaction roll back, too.
    """
    connection = connections[database]
    event_id = _EVENT_ID.get_db_prep_value(new.event_id, connection)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    ours = " OR ".join(["(subscription = %s AND hears = %s)"] * len(types))
    advance, values = _ADVANCE.format(ours=ours), [new.position, event_id, now, *ref]
    values += [old.position, *chain(*types.items())]
    in_log = [*ref, new.position, event_id] if _is_beside_log(ref, new, database) else []
    with connection.cursor() as statement:
        statement.execute(f"{advance} AND {_LOG_HAS_IT}" if in_log else advance, values + in_log)
        moved = statement.rowcount
    if not moved and in_log and _all_are_at(old, types, ref, database):
        raise streams.mismatch(ref, f"at position {new.position} it has another event")
    if moved != len(types):
        raise CursorMoved(
            f"{ref}: {', '.join(types)} are no longer at {old.position},"
            " are paused, or handle other types now."
        )


def _is_beside_log(ref: PartitionRef, at: CursorPosition, database: str) -> bool:
    settings = get_settings()
    hosted = settings.hosts(ref.context)
    return hosted and settings.database_of(ref.context) == database and at.event_id is not None


def _all_are_at(
    old: CursorPosition, types: Mapping[str, str], ref: PartitionRef, database: str
) -> bool:
    """Whether none moved. If one did, its events may be pruned: their absence proves nothing."""
    found = states(types.keys(), ref, database)
    return all(
        name in found
        and found[name].at.position == old.position
        and not found[name].at.paused
        and found[name].types == wanted
        for name, wanted in types.items()
    )


def move(subscription: str, ref: PartitionRef, to: CursorPosition, database: str) -> int:
    """Move a cursor to any position. Returns: its old position."""
    cursors = Cursor.objects.using(database).filter(
        subscription=subscription, context=ref.context, partition=ref.number
    )
    was, unheard = cursors.values_list("position", "unheard").get()
    cursors.update(
        position=to.position,
        event_id=to.event_id,
        moved_at=timezone.now(),
        unheard=missed.write(missed.up_to(missed.read(unheard), to.position)),
    )
    return was


def pause(subscription: str, by: str, why: str, database: str) -> int:
    """Pause a subscription: no batch, no retry, no job until it is resumed.

    Running work is rolled back; cursors and deliveries stay where they are.

    Returns: how many cursors it has; 0 if no consumer has begun with it.
    """
    cursors = Cursor.objects.using(database).filter(subscription=subscription)
    who = storable(by, Cursor._meta.get_field("paused_by").max_length)
    return cursors.update(paused_at=timezone.now(), paused_by=who, paused_why=storable(why))


def resume(subscription: str, database: str) -> int:
    """Resume a paused subscription at its cursors. Returns: how many cursors it has."""
    cursors = Cursor.objects.using(database).filter(subscription=subscription)
    return cursors.update(paused_at=None, paused_by="", paused_why="")


def known_partitions(subscription: str) -> set[PartitionRef]:
    """Where a subscription has a cursor, or had one reported."""
    return {
        PartitionRef(*row)
        for rows in _stored()
        for row in rows.filter(subscription=subscription).values_list("context", "partition")
    }


def forget(subscription: str, ref: PartitionRef) -> int:
    """Delete everything that is kept for a removed subscription.

    Returns: how many cursors and reports there were.
    Raises: StreamUnavailable: Redis did not answer.
    """
    groups.forget_subscription(ref, subscription)
    return sum(
        rows.filter(subscription=subscription, context=ref.context, partition=ref.number).delete()[
            0
        ]
        for rows in _stored()
    )


def partitions_elsewhere(owner: str, cursors: Iterable[int]) -> list[int]:
    """The partitions of a log of another deployment, for a subscription that has these cursors.

    Those in the settings, and those that the log had before their number was reduced: their
    events still have to be handled.
    """
    return sorted({*range(get_settings().contexts[owner].partitions), *cursors})


def _stored() -> Iterator[QuerySet[Any]]:
    """Cursors, and those that consumers elsewhere reported, in all databases here."""
    for database in get_settings().hosted_databases:
        yield Cursor.objects.using(database).all()
        yield ReportedCursor.objects.using(database).all()
