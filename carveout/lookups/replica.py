"""Prevents a lookup on a replica from answering with data from before an event."""

from functools import lru_cache

from django.db import connections

from carveout.conf import get_settings
from carveout.errors import LookupBehind
from carveout.models import Partition

Seen = tuple[int, int]
"""The partition and position of an event in the owner's log."""


def check_caught_up(owner: str, alias: str, seen: Seen) -> None:
    """Check, before a read, that a database has the change that was committed with an event.

    The log is in the same database, so a replica with an event's position also has its change.

    Raises: LookupBehind: it does not have it yet.
    """
    if not is_replica(owner, alias):
        return
    partition, position = seen
    heads = Partition.objects.using(alias).filter(context=owner, number=partition)
    head = heads.values_list("head", flat=True).first()
    if head is not None and head < position:
        raise LookupBehind(
            f"{owner} reads lookups from {alias!r}, which is at position {head} of partition"
            f" {partition}; the event is at {position}."
        )


def is_replica(owner: str, alias: str) -> bool:
    """Whether a database is a copy of the one with the owner's log."""
    return alias != get_settings().database_of(owner) and _holds_logs(alias)


@lru_cache
def _holds_logs(alias: str) -> bool:
    """Whether it is a copy of a database with logs; it may have other tables."""
    return Partition._meta.db_table in connections[alias].introspection.table_names()
