"""Finds events of a seam that its subscriptions have not handled yet."""

from django.db.models import QuerySet

from carveout.conf import get_settings
from carveout.events.event import PartitionRef
from carveout.models import Delivery, LoggedEvent
from carveout.subscriptions import cursors
from carveout.subscriptions.subscription import Subscription, registry


def subscriptions_of(seam: str) -> list[Subscription]:
    """The subscriptions of a seam that are declared in this process."""
    return [each for each in registry.values() if seam in each.seams]


def of_key(seam: str, key: str, database: str) -> bool:
    """Whether an event of this key is unhandled. Dead deliveries wait for a person: not counted.

    database: where the seam's events are stored.
    """
    events = LoggedEvent.objects.using(database).filter(key=key, seam=seam).order_by("-id")
    last = events.values_list("context", "partition", "position").first()
    if last is None:
        return False
    context, number, position = last
    if position is None or number is None:
        return True
    return any(
        _position(each, PartitionRef(context, number)) < position
        or _deliveries(each).filter(key=key).exists()
        for each in subscriptions_of(seam)
    )


def any_left(seam: str) -> bool:
    """Whether any event of the seam is unhandled."""
    for each in subscriptions_of(seam):
        if _deliveries(each).exists():
            return True
        for context in each.source_contexts & {*get_settings().hosted}:
            events = LoggedEvent.objects.using(get_settings().database_of(context))
            events = events.filter(context=context)
            if events.filter(position=None, seam=seam).exists():
                return True
            numbers = events.exclude(position=None).order_by().values_list("partition", flat=True)
            for number in numbers.distinct():
                after = _position(each, PartitionRef(context, number or 0))
                ahead = events.filter(partition=number, position__gt=after)
                if ahead.filter(seam=seam).exists():
                    return True
    return False


def _position(subscription: Subscription, ref: PartitionRef) -> int:
    found = cursors.positions([subscription.name], ref, subscription.database)
    return found.get(subscription.name, cursors.BEGINNING).position


def _deliveries(subscription: Subscription) -> "QuerySet[Delivery]":
    rows = Delivery.objects.using(subscription.database).filter(subscription=subscription.name)
    return rows.exclude(state=Delivery.State.DEAD)
