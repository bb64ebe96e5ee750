"""Searches a log quickly, however long it is.

Only ids, keys, event and correlation ids and positions have an index. A search by anything else
scans a limited number of ids at a time.
"""

from datetime import datetime

from django.db.models import Max, Min, QuerySet

from carveout.models import LoggedEvent

SCAN_WINDOW = 100_000
"""How many ids are scanned for one page."""


def first_and_last_id(database: str) -> tuple[int, int]:
    """The first and the last id of a log; (1, 0) if it is empty."""
    found = _rows(database).aggregate(first=Min("id"), last=Max("id"))
    return (1, 0) if found["first"] is None else (found["first"], found["last"])


def id_at(database: str, time: datetime) -> int:
    """The last id that was stored up to a time, or 0.

    By bisection, since ids grow with time, except in concurrent transactions.
    """
    first, high = first_and_last_id(database)
    low = first - 1  # nothing up to here is later; everything after `high` is
    while low < high:
        middle = (low + high + 1) // 2
        stored = time_at(database, middle)
        if stored is not None and stored > time:
            high = middle - 1
        else:
            low = middle
    return low if low >= first else 0


def time_at(database: str, id_: int) -> datetime | None:
    """The time of the event with that id or, in a gap, of the last one before it."""
    rows = _rows(database).filter(id__lte=id_).order_by("-id")
    return rows.values_list("time", flat=True).first()


def _rows(database: str) -> "QuerySet[LoggedEvent]":
    return LoggedEvent.objects.using(database)
