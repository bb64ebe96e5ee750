"""Renames: a subscription goes on under another name, with all that is kept of it."""

from django.db import transaction

from carveout import retention, stream, tally
from carveout.conf import get_settings
from carveout.errors import CarveoutError
from carveout.event import Place
from carveout.models import Attempt, Cursor, Delivery, ReportedCursor
from carveout.notice import tell
from carveout.subscription import Subscription, registry
from carveout.trace import key


class RenameRefused(CarveoutError):
    """A subscription can't get that name; nothing was changed."""


def check(old: str, new: Subscription) -> dict[Place, int]:
    """Returns: where its cursors are. Raises: RenameRefused: it can't be renamed; says why."""
    if old in registry:
        raise RenameRefused(f"{old} is still declared here. Take it out of the code first.")
    cursors = Cursor.objects.using(new.database)
    if cursors.filter(subscription=new.name).exists():
        raise RenameRefused(
            f"{new.name} has begun already; it has cursors of its own. Nothing was done."
        )
    rows = cursors.filter(subscription=old).values_list("context", "partition", "position")
    found = {(context, partition): position for context, partition, position in rows}
    if not found:
        raise RenameRefused(
            f"{old} has no cursors in database {new.database!r}, where {new.name} is. A name can't"
            f" go to another database: let {new.name} begin there, and run `manage.py replay"
            f" {new.name} --from POSITION` with the positions of {old}."
        )
    return found


def carry_out(old: str, new: Subscription, places: dict[Place, int]) -> int:
    """Move cursors, deliveries, attempts, reports and traces. Returns: how many deliveries.

    A consumer that still has the old name moves nothing any more: its batch is rolled back.
    Raises: StreamUnavailable: Redis did not answer; the databases are changed already.
    """
    moved = _in_database(old, new)
    for place, position in places.items():
        stream.report(place, {new.name: position})  # before the old one goes: nothing is pruned
        stream.mirror(place, new.name, position)
        tell("RENAME", key(old, place), key(new.name, place))
    for place in retention.places_of(old) | places.keys():
        _reports(old, new.name, place)
        stream.forget_subscription(place, old)
    tally.clear(old)
    return moved


def _in_database(old: str, new: Subscription) -> int:
    """Cursors first: after them no batch under the old name can be committed."""
    with transaction.atomic(using=new.database):
        Cursor.objects.using(new.database).filter(subscription=old).update(subscription=new.name)
        Attempt.objects.using(new.database).filter(subscription=old).update(subscription=new.name)
        deliveries = Delivery.objects.using(new.database).filter(subscription=old)
        return deliveries.update(subscription=new.name)


def _reports(old: str, new: str, place: Place) -> None:
    if not get_settings().hosts(place[0]):
        return
    rows = ReportedCursor.objects.using(get_settings().database_of(place[0])).filter(
        context=place[0], partition=place[1]
    )
    if rows.filter(subscription=old).exists():
        rows.filter(subscription=new).delete()
        rows.filter(subscription=old).update(subscription=new)
