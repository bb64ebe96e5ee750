"""Finds ids whose row in another context is gone, although no event said so, and follows that."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from carveout.lookups.reader import look_up_many
from carveout.models import Sweep
from carveout.subscriptions.following import Following

PAGE = 100
SUSPECTS_MAX = 10_000
"""Ids that are asked for again together."""
WAIT_S = 60.0
"""Seconds before a missing row is asked for again: a replica may not have it yet."""


class Compared(NamedTuple):
    """A part of a sweep that is done: `rows` were deleted or changed for the ids that are gone."""

    ids: int
    gone: list[Any]
    rows: int


def sweep(
    following: Following, *, wait_s: float = WAIT_S, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Compared]:
    """Compare all ids of a column with their owner's rows, from where the last sweep was ended.

    A missing row is asked for again after `wait_s` seconds, because a row of another context can
    be written with the id of one that a replica does not have yet. A kill loses no place.

    Raises: LookupFailed: the owner did not answer.
    """
    place = _place(following)
    while pages := _pages(following, place.after):
        ids, suspects = pages
        gone = list[Any]()
        if suspects:
            sleep(wait_s)
            gone = _missing(following, suspects)
        rows = following.follow(gone)
        place.after, place.compared = str(ids[-1]), place.compared + len(ids)
        place.gone += len(gone)
        place.save(using=following.database)
        yield Compared(len(ids), gone, rows)
    place.ended_at = timezone.now()
    place.save(using=following.database)


def _place(following: Following) -> Sweep:
    """Where the last sweep was, or the beginning of a new one."""
    rows = Sweep.objects.using(following.database)
    place, _ = rows.get_or_create(column=following.name)
    if place.ended_at:
        place.after, place.began_at, place.ended_at = "", timezone.now(), None
        place.compared = place.gone = 0
    return place


def _pages(following: Following, after: str) -> tuple[list[Any], list[Any]] | None:
    """The next ids, and those whose row is missing, until these are many or all is compared."""
    ids, suspects = list[Any](), list[Any]()
    while len(suspects) < SUSPECTS_MAX and len(ids) < 10 * SUSPECTS_MAX:
        page = list(_ids(following, str(ids[-1]) if ids else after)[:PAGE])
        if not page:
            break
        ids += page
        suspects += _missing(following, page)
    return (ids, suspects) if ids else None


def _ids(following: Following, after: str) -> "QuerySet[Any]":
    """The ids that the column holds after this one, in order, each once."""
    name = following.attribute
    rows = following.rows.filter(**{f"{name}__gt": after} if after else {f"{name}__isnull": False})
    return rows.order_by(name).values_list(name, flat=True).distinct()


def _missing(following: Following, ids: list[Any]) -> list[Any]:
    found = look_up_many(following.reader, map(str, ids))
    return [each for each in ids if str(each) not in found]
