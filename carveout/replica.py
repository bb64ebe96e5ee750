"""Replicas: a lookup that reads from one must not answer with what was true before an event."""

from functools import lru_cache

from django.db import connections

from carveout.conf import get_settings
from carveout.errors import LookupBehind
from carveout.models import Partition

Seen = tuple[int, int]
"""The partition and the position of an event in the owner's log."""


def check_caught_up(owner: str, alias: str, seen: Seen) -> None:
    """Make sure that a database holds what was committed with an event. Ask before it is read.

    The log lies beside what it tells of, so a replica that has an event's position has its change.

    Raises: LookupBehind: it does not hold it yet.
    """
    if alias == get_settings().database_of(owner) or not _holds_logs(alias):
        return
    partition, position = seen
    heads = Partition.objects.using(alias).filter(context=owner, number=partition)
    head = heads.values_list("head", flat=True).first()
    if head is not None and head < position:
        raise LookupBehind(
            f"{owner} reads lookups from {alias!r}, which is at position {head} of partition"
            f" {partition}; the event is at {position}."
        )


@lru_cache
def _holds_logs(alias: str) -> bool:
    """Is it a copy of a database with logs? It may be one with other tables."""
    return Partition._meta.db_table in connections[alias].introspection.table_names()
