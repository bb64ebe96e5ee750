"""Retention: the log is pruned by age, and only below every known cursor."""

from datetime import datetime
from typing import Any

from django.db.models import Min, QuerySet
from django.utils import timezone

from carveout import ending, stream
from carveout.conf import get_settings
from carveout.event import Place
from carveout.log import extent, rows_of
from carveout.models import Cursor, ReportedCursor

PRUNE_ROWS = 5_000
"""Rows that one transaction deletes."""


def note_reports(place: Place) -> None:
    """Keep what consumers reported, so that a Redis that forgets costs nothing.

    Raises: StreamUnavailable: Redis did not answer.
    """
    known = ReportedCursor.objects.using(get_settings().database_of(place[0]))
    for subscription, position in stream.reports(place).items():
        known.update_or_create(
            subscription=subscription,
            context=place[0],
            partition=place[1],
            defaults={"position": position, "reported_at": timezone.now()},
        )


def passed_by_all(place: Place) -> int:
    """The last position that every known cursor has passed; 0 if no cursor is known.

    Who hears other partitions of the context and has not come to this one yet has passed nothing.
    """
    context, partition = place
    known: list[QuerySet[Any]] = [
        ReportedCursor.objects.using(get_settings().database_of(context)),
        *(Cursor.objects.using(each) for each in _databases()),
    ]
    subscriptions: set[str] = set()
    passed: list[tuple[str, int]] = []
    for cursors in known:
        of_context = cursors.filter(context=context)
        subscriptions |= set(of_context.values_list("subscription", flat=True))
        passed += of_context.filter(partition=partition).values_list("subscription", "position")
    if subscriptions - {subscription for subscription, _ in passed}:
        return 0
    return min((position for _, position in passed), default=0)


def prune(place: Place, before: datetime) -> int:
    """Delete events from before a time that all cursors have passed. Returns: how many.

    The newest event stays, so that the log can still be told from another one.
    """
    if extent(*place).stopped_why:
        return 0  # what cursors have passed may be of a log that is lost
    newest = rows_of(*place).exclude(position=None).order_by("-position")
    last = newest.values_list("position", flat=True).first() or 0
    deletable = rows_of(*place).filter(
        position__lte=min(passed_by_all(place), last - 1), time__lt=before
    )
    # Times may be out of order; what goes has to go from the beginning, without a hole.
    first_kept = rows_of(*place).filter(time__gte=before).aggregate(first=Min("position"))["first"]
    if first_kept is not None:
        deletable = deletable.filter(position__lt=first_kept)
    deleted = 0
    while positions := list(
        deletable.order_by("position").values_list("position", flat=True)[:PRUNE_ROWS]
    ):
        deleted += deletable.filter(position__lte=positions[-1]).delete()[0]
    return deleted


def prune_attempts(before: datetime) -> int:
    """Forget how attempts from before a time ended. Returns: how many."""
    return sum(ending.prune(before, database) for database in _databases())


def places_of(subscription: str) -> set[Place]:
    """Where a subscription has a cursor, or had one reported."""
    stored: list[QuerySet[Any]] = [ReportedCursor.objects.using(each) for each in _databases()]
    stored += [Cursor.objects.using(each) for each in _databases()]
    return {
        place
        for rows in stored
        for place in rows.filter(subscription=subscription).values_list("context", "partition")
    }


def forget(subscription: str, place: Place) -> int:
    """Keep nothing any more for a subscription that is gone for good.

    Returns: how many cursors and reports there were.
    Raises: StreamUnavailable: Redis did not answer.
    """
    stream.forget_subscription(place, subscription)
    stored: list[QuerySet[Any]] = [ReportedCursor.objects.using(each) for each in _databases()]
    stored += [Cursor.objects.using(each) for each in _databases()]
    return sum(
        rows.filter(subscription=subscription, context=place[0], partition=place[1]).delete()[0]
        for rows in stored
    )


def _databases() -> list[str]:
    settings = get_settings()
    return sorted({settings.database_of(context) for context in settings.hosted})
