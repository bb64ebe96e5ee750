"""Prevents a row of a copy from being replaced by an older one.

A process claims a row before it looks it up, and writes it only while its claim is the last. So of
two processes that look up the same row, the one that looked later writes. Claims of written rows
stay for a while: filling leaves those rows alone, also those that were deleted.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db import connections, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Collate, Now

from carveout.errors import CopyOvertaken
from carveout.models import CopyClaim

STAYS_S = 60
"""Seconds that the claim of a written row stays."""
LOST_S = 600
"""Seconds after which a claim whose row is not written is lost. No handler takes that long."""
PRUNED_MAX = 1_000
IN_PYTHONS_ORDER = {"postgresql": Collate("key", "C"), "sqlite": Collate("key", "BINARY")}
"""Claims are locked in the order in which they are made, so that nobody waits in a circle."""
_INSERT = {
    "postgresql": """
        INSERT INTO carveout_copyclaim (model, key, token, at, done)
        SELECT %s, key, %s, now(), false FROM unnest(%s::text[]) AS key
        ON CONFLICT (model, key)
    """,
    "sqlite": """
        INSERT INTO carveout_copyclaim (model, key, token, at, done)
        SELECT %s, each.value, %s, CURRENT_TIMESTAMP, 0 FROM json_each(%s) AS each WHERE true
        ON CONFLICT (model, key)
    """,
}
"""Django's bulk_create takes ten times as long."""


def claim(model: str, keys: Iterable[str], database: str) -> str:
    """Claim rows of a copy, before they are looked up. Returns: the claim."""
    token = uuid.uuid4().hex
    last = "DO UPDATE SET token = EXCLUDED.token, at = EXCLUDED.at, done = EXCLUDED.done"
    _insert(model, keys, token, database, last)
    return token


def claim_unclaimed(model: str, keys: Iterable[str], database: str) -> set[str]:
    """Claim those rows that nobody has claimed lately, in the open transaction.

    Who claims one of them now waits for the end of the transaction, which has to release them.

    Returns: their keys.
    """
    wanted, token = set(keys), uuid.uuid4().hex
    if connections[database].vendor == "sqlite":  # nobody else writes before the end
        claimed = _rows(database).filter(model=model, key__in=wanted)
        return wanted - set(claimed.values_list("key", flat=True))
    _insert(model, wanted, token, database, "DO NOTHING")
    ours = _rows(database).filter(model=model, key__in=wanted, token=token)
    return set(ours.values_list("key", flat=True))


def release(model: str, keys: Iterable[str], database: str) -> None:
    """Forget claims, in the open transaction."""
    _rows(database).filter(model=model, key__in=keys).delete()


def require(model: str, tokens: Mapping[str, str], database: str) -> None:
    """Lock claims by key, in the open transaction.

    Raises: CopyOvertaken: a row was claimed by another process meanwhile; look them up again.
    """
    claims = _rows(database).filter(model=model, key__in=tokens).select_for_update()
    claims = claims.order_by(IN_PYTHONS_ORDER[connections[database].vendor])
    found = dict(claims.values_list("key", "token"))
    lost = sorted(key for key, token in tokens.items() if found.get(key) != token)
    if lost:
        raise CopyOvertaken(f"{model}: {lost[0]!r} was looked up by another process meanwhile.")


def mark_written(model: str, keys: Iterable[str], database: str) -> None:
    """Note that rows are written, in the open transaction."""
    _rows(database).filter(model=model, key__in=keys).update(done=True, at=Now())


def prune(database: str) -> None:
    """Forget some claims that nobody needs any more."""
    written = Q(done=True, at__lt=Now() - timedelta(seconds=STAYS_S))
    lost = Q(at__lt=Now() - timedelta(seconds=LOST_S))
    with transaction.atomic(using=database):
        old = _rows(database).filter(written | lost).select_for_update(skip_locked=True)
        ids = list(old.values_list("pk", flat=True)[:PRUNED_MAX])
        _rows(database).filter(pk__in=ids).delete()


def _rows(database: str) -> "QuerySet[CopyClaim]":
    return CopyClaim.objects.using(database)


def _insert(model: str, keys: Iterable[str], token: str, database: str, taken: str) -> None:
    """Insert claims in one statement. taken: what to do where there is one."""
    connection, ordered = connections[database], sorted(set(keys))
    given = ordered if connection.vendor == "postgresql" else json.dumps(ordered)
    with connection.cursor() as cursor:
        cursor.execute(f"{_INSERT[connection.vendor]} {taken}", [model, token, given])
