"""Cursors: where each subscription stands in each partition."""

import uuid
from collections.abc import Collection
from typing import NamedTuple

from django.db import connections
from django.utils import timezone

from carveout.errors import CursorMoved
from carveout.event import Place
from carveout.models import Cursor


class At(NamedTuple):
    """A position, and the event that was there when it was handled, if it is known."""

    position: int
    event_id: uuid.UUID | None = None


BEGINNING = At(0)

_EVENT_ID = Cursor._meta.get_field("event_id")
_ADVANCE = """
    UPDATE carveout_cursor SET position = %s, event_id = %s, moved_at = %s
    WHERE context = %s AND "partition" = %s AND position = %s AND subscription IN ({names})
"""


def positions(subscriptions: Collection[str], place: Place, database: str) -> dict[str, At]:
    """Where each of these subscriptions stands that has a cursor already."""
    cursors = Cursor.objects.using(database).filter(
        subscription__in=subscriptions, context=place[0], partition=place[1]
    )
    rows = cursors.values_list("subscription", "position", "event_id")
    return {subscription: At(position, event_id) for subscription, position, event_id in rows}


def by_partition(subscription: str, context: str, database: str) -> dict[int, int]:
    """Where a subscription stands in each partition of a context that it knows of."""
    cursors = Cursor.objects.using(database).filter(subscription=subscription, context=context)
    return dict(cursors.values_list("partition", "position"))


def places(subscriptions: Collection[str], database: str) -> set[Place]:
    """The partitions in which any of these subscriptions has a cursor."""
    cursors = Cursor.objects.using(database).filter(subscription__in=subscriptions)
    return set(cursors.values_list("context", "partition"))


def create(subscription: str, place: Place, at: At, database: str) -> None:
    """Give a subscription its cursor, unless it has one."""
    Cursor.objects.using(database).get_or_create(
        subscription=subscription,
        context=place[0],
        partition=place[1],
        defaults={"position": at.position, "event_id": at.event_id},
    )


def advance(subscriptions: Collection[str], place: Place, old: At, new: At, database: str) -> None:
    """Move cursors that stand together, in the transaction that is open.

    Raises: CursorMoved: one of them is no longer at `old`; let the transaction roll back.
    """
    connection = connections[database]
    event_id = _EVENT_ID.get_db_prep_value(new.event_id, connection)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    names = ", ".join(["%s"] * len(subscriptions))
    with connection.cursor() as statement:
        statement.execute(
            _ADVANCE.format(names=names),
            [new.position, event_id, now, *place, old.position, *subscriptions],
        )
        moved = statement.rowcount
    if moved != len(subscriptions):
        raise CursorMoved(
            f"{place[0]}.{place[1]}: {', '.join(subscriptions)} no longer stand at {old.position}."
        )


def move(subscription: str, place: Place, to: At, database: str) -> int:
    """Put a cursor where somebody wants it. Returns: where it was."""
    cursors = Cursor.objects.using(database).filter(
        subscription=subscription, context=place[0], partition=place[1]
    )
    was = cursors.values_list("position", flat=True).get()
    cursors.update(position=to.position, event_id=to.event_id, moved_at=timezone.now())
    return was
