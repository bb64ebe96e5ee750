"""Fills an own copy from its owner's lookup, beside live events."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from carveout.errors import CopyNotStarted, LookupRefused
from carveout.eventlog import remote
from carveout.lookups.provider import ROWS_PER_PAGE
from carveout.lookups.reader import Lookup, look_up_page
from carveout.models import CopyState
from carveout.subscriptions import cursors
from carveout.subscriptions.copies import claims, keeping
from carveout.subscriptions.copies.model import Copy

PAGE_S_MAX = claims.STAYS_S / 2
"""A page that took longer is asked for again: claims that it has to respect may be gone."""


class Filled(NamedTuple):
    """A page that was filled."""

    keys: int
    rows: int
    """How many of them were missing here."""


def state_of(model: type[Copy]) -> CopyState:
    """How far a copy is."""
    rows = CopyState.objects.using(keeping.database_of(model))
    return rows.get_or_create(model=model._meta.label)[0]


def fill(model: type[Copy]) -> Iterator[Filled]:
    """Insert the rows that a copy lacks, page by page, from where the last filling was ended.

    Rows that are there stay: events keep them. A kill loses no place, and two may fill at once.

    Raises: CopyNotStarted: no consumer has its place in the owner's log yet, so events of rows
                that are changed meanwhile would be missed.
            LookupFailed: the owner did not answer, or refused.
    """
    require_started(model)
    state = state_of(model)
    if state.began_at is None or state.filled_at:
        state.after, state.rows, state.began_at, state.filled_at = "", 0, timezone.now(), None
    while True:
        began = time.monotonic()
        page = next_page(model, state.after)
        last = next(reversed(page), state.after)
        ended = last == state.after  # also if the only key is an empty text
        with transaction.atomic(using=keeping.database_of(model)):
            stored = _store_missing(model, page)
            if time.monotonic() - began > PAGE_S_MAX:
                transaction.set_rollback(True, using=keeping.database_of(model))
                continue
            state.after, state.rows = last, state.rows + stored
            state.filled_at = timezone.now() if ended else None
            state.save()
        if page:
            yield Filled(len(page), stored)
        if ended:
            return


def require_started(model: type[Copy]) -> None:
    """Raises: CopyNotStarted: it has no cursor in some partition of its owner's log."""
    subscription, owner = keeping.subscription_of(model), model.copy_of.split(".")[0]
    context, database = subscription.split(".")[0], keeping.database_of(model)
    there = cursors.by_partition(subscription, owner, database)
    missing = set(range(remote.partitions(context, owner))) - there.keys()
    if missing or not there:
        raise CopyNotStarted(
            f"{subscription} has no place yet in the log of {owner}. Let a consumer of {context}"
            f" run first: `manage.py consume {context}`."
        )


def next_page(model: type[Copy], after: str) -> dict[str, Lookup]:
    """A page, smaller if the rows are so large that their owner's answer would be refused."""
    limit = ROWS_PER_PAGE
    while True:
        try:
            return look_up_page(keeping.reader_of(model), after, limit)
        except LookupRefused:
            if limit == 1:
                raise
            limit = max(limit // 10, 1)


def _store_missing(model: type[Copy], page: dict[str, Lookup]) -> int:
    label, database = model._meta.label, keeping.database_of(model)
    ours = claims.claim_unclaimed(label, page, database)
    there = keeping.rows_of(model).filter(pk__in=ours).values_list("pk", flat=True)
    lacking = ours - set(map(str, there))
    keeping.store(model, [page[key] for key in lacking])
    claims.release(label, ours, database)
    return len(lacking)
