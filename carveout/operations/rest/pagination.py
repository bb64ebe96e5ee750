"""Pages long tables by id, from the newest, so that no page takes longer than another."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

WINDOW = 100_000
"""Rows that a page scans at most where no index helps. It may be short and still have a next."""
ROUGHLY = timedelta(minutes=1)
"""How far the order of times may differ from that of ids: machines' clocks differ."""


class Span(NamedTuple):
    """A range of ids, from the first to before the end."""

    first: int
    end: int


class Page(NamedTuple):
    """Some rows, and the id before which the next page begins; None on the last page."""

    rows: Sequence[Any]
    before: int | None


def span_of(rows: "QuerySet[Any]", since: datetime | None, until: datetime | None) -> Span:
    """The ids of what was published in that time, and a few more; all ids without limits.

    `rows` is the whole table, and ids and times increase together.
    """
    ids = rows.order_by("id").values_list("id", flat=True)
    first, last = ids.first(), ids.last()
    if first is None or last is None:
        return Span(1, 1)
    begins = _id_at(rows, _moved(since, -ROUGHLY), first, last) if since else first
    ends = _id_at(rows, _moved(until, ROUGHLY), first, last) if until else last + 1
    return Span(begins, ends)


def _moved(time: datetime, by: timedelta) -> datetime:
    try:
        return time + by
    except OverflowError:  # beyond the last date that Python has
        return time


def _id_at(rows: "QuerySet[Any]", time: datetime, low: int, last: int) -> int:
    """The first id from a time on, by bisection: no index on time is needed."""
    high = last + 1
    while low < high:
        middle = (low + high) // 2
        found = rows.filter(id__gte=middle).order_by("id").values_list("id", "time").first()
        if found is None or found[1] >= time:
            high = middle
        else:
            low = found[0] + 1
    return low


def page_of(
    rows: "QuerySet[Any]", span: Span, before: int | None, limit: int, *, indexed: bool
) -> Page:
    """The newest of these rows. indexed: an index finds them, so no window is needed."""
    end = min(before or span.end, span.end)
    first = span.first if indexed else max(span.first, end - WINDOW)
    found = list(rows.filter(id__gte=first, id__lt=end).order_by("-id")[: limit + 1])
    if len(found) > limit:
        return Page(found[:limit], found[limit - 1].pk)
    return Page(found, first if first > span.first else None)


def next_link(page: Page, request: Request) -> str | None:
    """The URL of the next page, if there is one."""
    if page.before is None:
        return None
    return replace_query_param(request.build_absolute_uri(), "before", page.before)
