"""Repartitions a log, and keeps the events of each key in order with barriers.

After a repartitioning a key may be in another partition. So each partition gets a barrier, an entry
that holds the positions of all other barriers. A subscription passes a barrier once it has
reached all of them, also if it is late or handles everything again.
"""

import msgspec
from django.db import transaction
from django.db.models import F

from carveout.conf import get_settings
from carveout.eventlog import sequencer
from carveout.models import Layout, LoggedEvent, Partition

BARRIER = "carveout.Repartitioned"


class Barrier(msgspec.Struct, frozen=True):
    """The data of a barrier."""

    partitions: int
    at: dict[str, int]
    """The positions of all barriers, by partition."""


def repartition(context: str, partitions: int) -> Barrier:
    """Change a log's number of partitions; events without a position come after the barriers.

    Safe while everything runs. Returns: the barrier.
    """
    database = get_settings().database_of(context)
    heads = Partition.objects.using(database)
    with transaction.atomic(using=database):
        sequencer.lock(context)
        for number in range(partitions):
            heads.get_or_create(context=context, number=number)
        rows = heads.filter(context=context)
        rows.update(head=F("head") + 1)
        barrier = Barrier(
            partitions, {str(row.number): row.head for row in rows.order_by("number")}
        )
        data = msgspec.json.encode(barrier).decode()
        LoggedEvent.objects.using(database).bulk_create(
            LoggedEvent(context=context, type=BARRIER, partition=number, position=head, data=data)
            for number, head in barrier.at.items()
        )
        Layout.objects.using(database).filter(context=context).update(partitions=partitions)
    return barrier
