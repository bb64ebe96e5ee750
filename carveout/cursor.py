"""Cursors: where each subscription stands in each partition."""

import uuid
from collections.abc import Collection, Mapping
from itertools import chain
from typing import NamedTuple

from django.db import connections
from django.utils import timezone

from carveout import missed, stream
from carveout.conf import get_settings
from carveout.errors import CursorMoved
from carveout.event import Place
from carveout.models import Cursor
from carveout.storable import storable


class At(NamedTuple):
    """A position, and the event that was there when it was handled, if it is known."""

    position: int
    event_id: uuid.UUID | None = None
    paused: bool = False
    """Whether a person has the subscription paused; it does not go on from here then."""


BEGINNING = At(0)

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


class Stand(NamedTuple):
    """Where a subscription stands, and the event types that its cursor moves for."""

    at: At
    hears: str


def positions(subscriptions: Collection[str], place: Place, database: str) -> dict[str, At]:
    """Where each of these subscriptions stands that has a cursor already."""
    return {name: stand.at for name, stand in stands(subscriptions, place, database).items()}


def stands(subscriptions: Collection[str], place: Place, database: str) -> dict[str, Stand]:
    """The same, with the types that the cursors move for."""
    cursors = Cursor.objects.using(database).filter(
        subscription__in=subscriptions, context=place[0], partition=place[1]
    )
    rows = cursors.values_list("subscription", "position", "event_id", "paused_at", "hears")
    return {
        subscription: Stand(At(position, event_id, paused_at is not None), hears)
        for subscription, position, event_id, paused_at, hears in rows
    }


def by_partition(subscription: str, context: str, database: str) -> dict[int, int]:
    """Where a subscription stands in each partition of a context that it knows of."""
    cursors = Cursor.objects.using(database).filter(subscription=subscription, context=context)
    return dict(cursors.values_list("partition", "position"))


def places(subscriptions: Collection[str], database: str) -> set[Place]:
    """The partitions in which any of these subscriptions has a cursor."""
    cursors = Cursor.objects.using(database).filter(subscription__in=subscriptions)
    return set(cursors.values_list("context", "partition"))


def create(subscription: str, place: Place, at: At, database: str, hears: str = "") -> None:
    """Give a subscription its cursor, unless it has one. It is paused where the others are.

    hears: the types that it moves for; those of the others of its context count, if there are any.
    """
    cursors = Cursor.objects.using(database)
    others = cursors.filter(subscription=subscription, context=place[0]).exclude(hears="")
    hears = others.values_list("hears", flat=True).first() or hears
    paused = cursors.filter(subscription=subscription, paused_at__isnull=False)
    pause = paused.values("paused_at", "paused_by", "paused_why").first()
    cursors.get_or_create(
        subscription=subscription,
        context=place[0],
        partition=place[1],
        defaults={
            "position": at.position,
            "event_id": at.event_id,
            "hears": hears,
            **(pause or {}),
        },
    )


def advance(hears: Mapping[str, str], place: Place, old: At, new: At, database: str) -> None:
    """Move cursors that stand together, in the transaction that is open.

    If the log lives in the same database, it has to have the event at `new`.

    hears: by subscription, the types that its cursor said it moves for when it was read.

    Raises: CursorMoved: one of them is no longer at `old`, was paused, or moves for other types
                now; let the transaction roll back.
            LogMismatch: the log has no such event; let the transaction roll back, too.
    """
    connection = connections[database]
    event_id = _EVENT_ID.get_db_prep_value(new.event_id, connection)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    ours = " OR ".join(["(subscription = %s AND hears = %s)"] * len(hears))
    advance, values = _ADVANCE.format(ours=ours), [new.position, event_id, now, *place]
    values += [old.position, *chain(*hears.items())]
    in_log = [*place, new.position, event_id] if _is_beside_log(place, new, database) else []
    with connection.cursor() as statement:
        statement.execute(f"{advance} AND {_LOG_HAS_IT}" if in_log else advance, values + in_log)
        moved = statement.rowcount
    if not moved and in_log and _all_stand_at(old, hears, place, database):
        raise stream.mismatch(place, f"at position {new.position} it has another event")
    if moved != len(hears):
        raise CursorMoved(
            f"{place[0]}.{place[1]}: {', '.join(hears)} no longer stand at {old.position},"
            " are paused, or hear other types now."
        )


def _is_beside_log(place: Place, at: At, database: str) -> bool:
    settings = get_settings()
    hosted = settings.hosts(place[0])
    return hosted and settings.database_of(place[0]) == database and at.event_id is not None


def _all_stand_at(old: At, hears: Mapping[str, str], place: Place, database: str) -> bool:
    """If one does not, its events may be pruned already: that the log lacks them says nothing."""
    found = stands(hears.keys(), place, database)
    return all(
        name in found
        and found[name].at.position == old.position
        and not found[name].at.paused
        and found[name].hears == types
        for name, types in hears.items()
    )


def move(subscription: str, place: Place, to: At, database: str) -> int:
    """Put a cursor where somebody wants it. Returns: where it was."""
    cursors = Cursor.objects.using(database).filter(
        subscription=subscription, context=place[0], partition=place[1]
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
    """Let a subscription handle nothing until it is resumed: no batch, no retry, no job.

    What is under way is rolled back; cursors and deliveries stay where they are.

    Returns: how many cursors it has; 0 if no consumer has begun with it.
    """
    cursors = Cursor.objects.using(database).filter(subscription=subscription)
    who = storable(by, Cursor._meta.get_field("paused_by").max_length)
    return cursors.update(paused_at=timezone.now(), paused_by=who, paused_why=storable(why))


def resume(subscription: str, database: str) -> int:
    """Let a paused subscription go on from where it stands. Returns: how many cursors it has."""
    cursors = Cursor.objects.using(database).filter(subscription=subscription)
    return cursors.update(paused_at=None, paused_by="", paused_why="")
