"""Lets a subscription pass a repartitioning once it has reached it in all partitions."""

from collections.abc import Sequence

import msgspec

from carveout.eventlog.repartition import BARRIER, Barrier
from carveout.events.event import PartitionRef, ReceivedEvent
from carveout.subscriptions import cursors
from carveout.subscriptions.cursors import BEGINNING
from carveout.subscriptions.subscription import Subscription

WAIT_S = 0.1
"""How long a subscription waits before it checks again whether it may pass."""


def up_to_barrier(events: Sequence[ReceivedEvent]) -> Sequence[ReceivedEvent]:
    """The events before the first barrier; the barrier alone if it comes first."""
    for index, event in enumerate(events):
        if event.type == BARRIER:
            return events[: max(index, 1)]
    return events


def is_open(subscription: Subscription, event: ReceivedEvent) -> bool:
    """Whether a subscription may pass this event; always true if it is not a barrier.

    Creates the cursors of partitions that are new to the subscription.
    """
    if event.type != BARRIER:
        return True
    barrier = msgspec.convert(event.data, Barrier)
    for number in map(int, barrier.at):
        ref = PartitionRef(event.context, number)
        cursors.create(subscription.name, ref, BEGINNING, subscription.database)
    positions = cursors.by_partition(subscription.name, event.context, subscription.database)
    return all(positions[int(number)] >= position - 1 for number, position in barrier.at.items())
