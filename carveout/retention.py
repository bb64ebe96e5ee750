"""Retention: the log is pruned by age, and only below every known cursor."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Min, QuerySet
from django.utils import timezone

from carveout import ending, inbound, log, missed, stream
from carveout.conf import get_settings
from carveout.event import Place
from carveout.log import extent, rows_of
from carveout.models import Cursor, ReportedCursor

PRUNE_ROWS = 5_000
"""Rows that one transaction deletes."""
ALL_REPORTED_S = 3 * stream.REPORT_EVERY_S
"""After so long each consumer that runs has reported again, whatever Redis forgot."""
SUBSCRIPTION_LENGTH_MAX = ReportedCursor._meta.get_field("subscription").max_length or 0


@dataclass(frozen=True)
class Passed:
    """The last position that every known cursor has passed; 0 if no cursor is known."""

    position: int
    why: str = ""
    """What keeps it from being further, and what to do."""


def note_reports(place: Place) -> set[str]:
    """Keep what consumers reported, so that a Redis that forgets costs nothing.

    Returns: the subscriptions whose reports Redis has at this moment.
    Raises: StreamUnavailable: Redis did not answer.
    """
    known = ReportedCursor.objects.using(get_settings().database_of(place[0]))
    stream.reports_kept_s(place)
    reported = stream.reports(place)
    head = log.head_of(*place).head  # after the reports: meanwhile it only grows
    for subscription, position in list(reported.items()):
        if position > head or len(subscription) > SUBSCRIPTION_LENGTH_MAX:
            del reported[subscription]
            why = "reports of what is not in the log"
            inbound.ignore(f"{place[0]}.{place[1]}", why, f"{subscription} at {position}")
            continue
        known.update_or_create(
            subscription=subscription,
            context=place[0],
            partition=place[1],
            defaults={"position": position, "reported_at": timezone.now()},
        )
    return set(reported)


def passed_by_all(place: Place) -> Passed:
    """How far every known cursor has come, by the databases here and by what Redis says now.

    A subscription that hears other partitions of the context and has not come to this one yet has
    passed nothing. Nor has one elsewhere whose report Redis does not have: what was noted of it may
    be from before it was moved back. After Redis came back empty nobody has, until all consumers
    that run have had the time to report again. What passed unheard is kept until it is decided.

    Raises: StreamUnavailable: Redis did not answer.
    """
    kept_s, reported = stream.reports_kept_s(place), note_reports(place)
    here, noted = _cursors_here(place[0]), _noted(place[0])
    known, unheard = here + noted, _unheard_here(place)
    on_it = {(name, position) for name, number, position in known if number == place[1]}
    silent = {name for name, *_ in noted} - {name for name, *_ in here} - reported
    if behind := {name for name, *_ in known} - {name for name, _ in on_it}:
        return Passed(0, f"{_names(behind)} is yet to come to this partition: run its consumer")
    if silent:
        return Passed(
            0,
            f"Redis has no report of {_names(silent)}: run its consumer, or, if it is gone for"
            " good, `manage.py forget` it",
        )
    settings = get_settings()
    if kept_s < ALL_REPORTED_S and settings.contexts.keys() - set(settings.hosted):
        return Passed(
            0,
            f"Redis came back empty {kept_s} s ago, and consumers elsewhere may not have reported"
            f" again: run this again in {ALL_REPORTED_S - kept_s:.0f} s",
        )
    position = min((position for _, position in on_it), default=0)
    if unheard and (kept := min(unheard.values())) < position:
        return Passed(
            kept,
            f"what passed {_names(unheard)} unheard is kept from position {kept + 1} on: decide"
            " with `manage.py unheard`",
        )
    return Passed(position)


Known = list[tuple[str, int, int]]
"""Subscriptions, partitions and positions."""


def _cursors_here(context: str) -> Known:
    """The cursors on a context's log that live in databases here."""
    return [
        row
        for database in _databases()
        for row in Cursor.objects.using(database)
        .filter(context=context)
        .values_list("subscription", "partition", "position")
    ]


def _unheard_here(place: Place) -> dict[str, int]:
    """The subscriptions in databases here that something passed unheard, and after where."""
    return {
        name: min((each.after for each in missed.read(unheard)), default=0)
        for database in _databases()
        for name, unheard in Cursor.objects.using(database)
        .filter(context=place[0], partition=place[1])
        .exclude(unheard="")
        .values_list("subscription", "unheard")
    }


def _noted(context: str) -> Known:
    """What was noted of reports on a context's log."""
    rows = ReportedCursor.objects.using(get_settings().database_of(context))
    return list(rows.filter(context=context).values_list("subscription", "partition", "position"))


def _names(subscriptions: Iterable[str]) -> str:
    return ", ".join(sorted(subscriptions))


def prune(place: Place, before: datetime) -> int:
    """Delete events from before a time that all cursors have passed. Returns: how many.

    The newest event stays, so that the log can still be told from another one.

    Raises: StreamUnavailable: Redis did not answer; nothing was pruned.
    """
    if extent(*place).stopped_why:
        return 0  # what cursors have passed may be of a log that is lost
    passed = passed_by_all(place).position
    newest = rows_of(*place).exclude(position=None).order_by("-position")
    last = newest.values_list("position", flat=True).first() or 0
    deletable = rows_of(*place).filter(position__lte=min(passed, last - 1), time__lt=before)
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
    return get_settings().hosted_databases
