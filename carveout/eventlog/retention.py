"""Prunes the log by age, and only below every known cursor."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min
from django.utils import timezone

from carveout.conf import get_settings
from carveout.eventlog import reader
from carveout.eventlog.reader import log_range, rows_of
from carveout.events import missed
from carveout.events.event import PartitionRef
from carveout.models import Cursor, ReportedCursor
from carveout.redis import groups, inbound

PRUNE_ROWS = 5_000
"""How many rows one transaction deletes."""
ALL_REPORTED_S = 3 * groups.REPORT_EVERY_S
"""Within this time each running consumer reports again, whatever Redis lost."""
SUBSCRIPTION_LENGTH_MAX = ReportedCursor._meta.get_field("subscription").max_length or 0


@dataclass(frozen=True)
class LowWatermark:
    """The last position that every known cursor has passed; 0 if no cursor is known."""

    position: int
    why: str = ""
    """Why it is not further, and what to do."""


def store_reported_cursors(ref: PartitionRef) -> set[str]:
    """Store the reported cursors, so that nothing depends on what Redis loses.

    Returns: the subscriptions whose reports Redis has now.
    Raises: StreamUnavailable: Redis did not answer.
    """
    groups.reports_kept_s(ref)
    reported = groups.reported_cursors(ref)
    head = reader.head_row(*ref).head  # read after the reports, since it only grows
    for subscription, position in list(reported.items()):
        if position > head or len(subscription) > SUBSCRIPTION_LENGTH_MAX:
            del reported[subscription]
            why = "reports of positions that are not in the log"
            inbound.ignore(str(ref), why, f"{subscription} at {position}")
    _store(ref, reported)
    return set(reported)


def _store(ref: PartitionRef, reported: dict[str, int]) -> None:
    """One statement, always in the same order: other processes store the same rows."""
    now = timezone.now()
    rows = [
        ReportedCursor(
            subscription=name,
            context=ref.context,
            partition=ref.number,
            position=reported[name],
            reported_at=now,
        )
        for name in sorted(reported)
    ]
    ReportedCursor.objects.using(get_settings().database_of(ref.context)).bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["subscription", "context", "partition"],
        update_fields=["position", "reported_at"],
    )


def low_watermark(ref: PartitionRef) -> LowWatermark:
    """How far all known cursors have come, from the databases here and the reports in Redis.

    A subscription with cursors on other partitions of the context but none here counts as position
    0. So does one elsewhere without a report in Redis: its stored report may be older than a move
    back. If Redis came back empty, all do until running consumers have had time to report again.
    Events that passed a subscription unhandled are kept until someone decides about them.

    Raises: StreamUnavailable: Redis did not answer.
    """
    kept_s, reported = groups.reports_kept_s(ref), store_reported_cursors(ref)
    here, stored = _cursors_here(ref.context), _reported(ref.context)
    known, unheard = here + stored, _unheard_here(ref)
    on_it = {(name, position) for name, number, position in known if number == ref.number}
    silent = {name for name, *_ in stored} - {name for name, *_ in here} - reported
    if behind := {name for name, *_ in known} - {name for name, _ in on_it}:
        return LowWatermark(
            0, f"{_names(behind)} has not reached this partition yet: run its consumer"
        )
    if silent:
        return LowWatermark(
            0,
            f"Redis has no report from {_names(silent)}: run its consumer, or, if it is gone for"
            " good, `manage.py forget` it",
        )
    settings = get_settings()
    if kept_s < ALL_REPORTED_S and settings.contexts.keys() - set(settings.hosted):
        return LowWatermark(
            0,
            f"Redis came back empty {kept_s} s ago, and consumers elsewhere may not have reported"
            f" again: run this again in {ALL_REPORTED_S - kept_s:.0f} s",
        )
    position = min((position for _, position in on_it), default=0)
    if unheard and (kept := min(unheard.values())) < position:
        return LowWatermark(
            kept,
            f"events that {_names(unheard)} missed are kept from position {kept + 1} on: decide"
            " with `manage.py unheard`",
        )
    return LowWatermark(position)


Known = list[tuple[str, int, int]]
"""Subscriptions, partitions and positions."""


def _cursors_here(context: str) -> Known:
    """The cursors on a context's log that live in databases here."""
    return [
        row
        for database in get_settings().hosted_databases
        for row in Cursor.objects.using(database)
        .filter(context=context)
        .values_list("subscription", "partition", "position")
    ]


def _unheard_here(ref: PartitionRef) -> dict[str, int]:
    """The subscriptions in databases here with missed events, and the position before these."""
    return {
        name: min((each.after for each in missed.read(unheard)), default=0)
        for database in get_settings().hosted_databases
        for name, unheard in Cursor.objects.using(database)
        .filter(context=ref.context, partition=ref.number)
        .exclude(unheard="")
        .values_list("subscription", "unheard")
    }


def _reported(context: str) -> Known:
    """The stored cursor reports on a context's log."""
    rows = ReportedCursor.objects.using(get_settings().database_of(context))
    return list(rows.filter(context=context).values_list("subscription", "partition", "position"))


def _names(subscriptions: Iterable[str]) -> str:
    return ", ".join(sorted(subscriptions))


def prune(ref: PartitionRef, before: datetime) -> int:
    """Delete events before a time that all cursors have passed. Returns: how many.

    The newest event stays, so that the log can still be identified.

    Raises: StreamUnavailable: Redis did not answer; nothing was pruned.
    """
    if log_range(*ref).stopped_why:
        return 0  # a stopped partition's cursors may belong to a lost log
    passed = low_watermark(ref).position
    newest = rows_of(*ref).exclude(position=None).order_by("-position")
    last = newest.values_list("position", flat=True).first() or 0
    deletable = rows_of(*ref).filter(position__lte=min(passed, last - 1), time__lt=before)
    # Times may be out of order; deleted rows must be the first ones, without gaps.
    first_kept = rows_of(*ref).filter(time__gte=before).aggregate(first=Min("position"))["first"]
    if first_kept is not None:
        deletable = deletable.filter(position__lt=first_kept)
    deleted = 0
    while positions := list(
        deletable.order_by("position").values_list("position", flat=True)[:PRUNE_ROWS]
    ):
        deleted += deletable.filter(position__lte=positions[-1]).delete()[0]
    return deleted
