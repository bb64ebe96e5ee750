"""Fences: where a log is divided anew, the events of a key still come one after the other.

After another division a key may be in another partition. So each partition gets a fence, an entry
of its own kind that says where the fences of all the others are. A subscription goes past one when
it has come to all of them, also if it is late or handles everything again.
"""

from collections.abc import Sequence

import msgspec
from django.db import transaction
from django.db.models import F

from carveout import cursor, sequencer
from carveout.conf import get_settings
from carveout.cursor import BEGINNING
from carveout.event import ReceivedEvent
from carveout.models import Layout, LoggedEvent, Partition
from carveout.subscription import Subscription

FENCE = "carveout.Repartitioned"
REST_S = 0.1
"""How long a subscription rests before it looks again whether it may go past."""


class Fence(msgspec.Struct, frozen=True):
    """The data of a fence."""

    partitions: int
    at: dict[str, int]
    """Where the fences are: a position by partition."""


def put_up(context: str, partitions: int) -> Fence:
    """Divide a log anew; what has no position yet comes after the fences.

    Safe while everything runs. Returns: the fence.
    """
    database = get_settings().database_of(context)
    heads = Partition.objects.using(database)
    with transaction.atomic(using=database):
        sequencer.lock(context)
        for number in range(partitions):
            heads.get_or_create(context=context, number=number)
        rows = heads.filter(context=context)
        rows.update(head=F("head") + 1)
        fence = Fence(partitions, {str(row.number): row.head for row in rows.order_by("number")})
        data = msgspec.json.encode(fence).decode()
        LoggedEvent.objects.using(database).bulk_create(
            LoggedEvent(
                context=context, type=FENCE, slot=0, partition=number, position=head, data=data
            )
            for number, head in fence.at.items()
        )
        Layout.objects.using(database).filter(context=context).update(partitions=partitions)
    return fence


def up_to_fence(events: Sequence[ReceivedEvent]) -> Sequence[ReceivedEvent]:
    """The events before the first fence; the fence alone if it comes first."""
    for index, event in enumerate(events):
        if event.type == FENCE:
            return events[: max(index, 1)]
    return events


def is_open(subscription: Subscription, event: ReceivedEvent) -> bool:
    """May a subscription go past this event? It may if it is no fence.

    Partitions that the subscription did not know of get their cursors.
    """
    if event.type != FENCE:
        return True
    fence = msgspec.convert(event.data, Fence)
    for number in map(int, fence.at):
        cursor.create(subscription.name, (event.context, number), BEGINNING, subscription.database)
    stands = cursor.by_partition(subscription.name, event.context, subscription.database)
    return all(stands[int(number)] >= position - 1 for number, position in fence.at.items())
