"""Cursors: where each subscription stands in each partition."""

from collections.abc import Collection

from django.utils import timezone

from carveout.errors import CursorMoved
from carveout.models import Cursor
from carveout.stream import Place


def positions(subscriptions: Collection[str], place: Place, database: str) -> dict[str, int]:
    """The position of each of these subscriptions that has a cursor already."""
    cursors = Cursor.objects.using(database).filter(
        subscription__in=subscriptions, context=place[0], partition=place[1]
    )
    return dict(cursors.values_list("subscription", "position"))


def create(subscription: str, place: Place, position: int, database: str) -> None:
    """Give a subscription its cursor, unless it has one."""
    Cursor.objects.using(database).get_or_create(
        subscription=subscription,
        context=place[0],
        partition=place[1],
        defaults={"position": position},
    )


def advance(
    subscriptions: Collection[str], place: Place, old: int, new: int, database: str
) -> None:
    """Move cursors that stand together, in the transaction that is open.

    Raises: CursorMoved: one of them is no longer at `old`; let the transaction roll back.
    """
    moved = (
        Cursor.objects.using(database)
        .filter(subscription__in=subscriptions, context=place[0], partition=place[1], position=old)
        .update(position=new, moved_at=timezone.now())
    )
    if moved != len(subscriptions):
        raise CursorMoved(
            f"{place[0]}.{place[1]}: {', '.join(subscriptions)} no longer stand at {old}."
        )
