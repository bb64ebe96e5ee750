"""Renames a subscription, with everything that is kept for it."""

from django.db import transaction

from carveout.conf import get_settings
from carveout.errors import CarveoutError
from carveout.events.event import PartitionRef
from carveout.models import Attempt, Cursor, Delivery, ReportedCursor
from carveout.redis import groups, keys
from carveout.redis.fire_and_forget import send
from carveout.subscriptions import cursors
from carveout.subscriptions.subscription import Subscription, registry
from carveout.telemetry import counters


class RenameRefused(CarveoutError):
    """A subscription can't get that name. Nothing was changed."""


def check(old: str, new: Subscription) -> dict[PartitionRef, int]:
    """Returns: where its cursors are. Raises: RenameRefused: it can't be renamed, and why."""
    if old in registry:
        raise RenameRefused(f"{old} is still declared here. Remove it from the code first.")
    cursors = Cursor.objects.using(new.database)
    if cursors.filter(subscription=new.name).exists():
        raise RenameRefused(
            f"{new.name} has already begun and has its own cursors. Nothing was done."
        )
    rows = cursors.filter(subscription=old).values_list("context", "partition", "position")
    found = {PartitionRef(context, partition): position for context, partition, position in rows}
    if not found:
        raise RenameRefused(
            f"{old} has no cursors in database {new.database!r}, where {new.name} is. A rename"
            f" can't change the database: let {new.name} begin there, and run `manage.py replay"
            f" {new.name} --from POSITION` with the positions of {old}."
        )
    return found


def apply(old: str, new: Subscription, refs: dict[PartitionRef, int]) -> int:
    """Move cursors, deliveries, attempts, reports and traces. Returns: how many deliveries.

    A consumer that still has the old name can move no cursor: its batch is rolled back.
    Raises: StreamUnavailable: Redis did not answer; the databases are already changed.
    """
    moved = _in_database(old, new)
    for ref, position in refs.items():
        # Before the old one goes, so that nothing is pruned.
        groups.report_cursors(ref, {new.name: position})
        groups.mirror_group(ref, new.name, position)
        send("RENAME", keys.batch_traces(ref, old), keys.batch_traces(ref, new.name))
    for ref in cursors.known_partitions(old) | refs.keys():
        _reports(old, new.name, ref)
        groups.forget_subscription(ref, old)
    counters.drop_subscription(old)
    return moved


def _in_database(old: str, new: Subscription) -> int:
    """Rename the rows, cursors first: then no batch under the old name can be committed."""
    with transaction.atomic(using=new.database):
        Cursor.objects.using(new.database).filter(subscription=old).update(subscription=new.name)
        Attempt.objects.using(new.database).filter(subscription=old).update(subscription=new.name)
        deliveries = Delivery.objects.using(new.database).filter(subscription=old)
        return deliveries.update(subscription=new.name)


def _reports(old: str, new: str, ref: PartitionRef) -> None:
    if not get_settings().hosts(ref.context):
        return
    rows = ReportedCursor.objects.using(get_settings().database_of(ref.context)).filter(
        context=ref.context, partition=ref.number
    )
    if rows.filter(subscription=old).exists():
        rows.filter(subscription=new).delete()
        rows.filter(subscription=old).update(subscription=new)
