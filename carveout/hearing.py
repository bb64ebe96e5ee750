"""Hearing: what a cursor says of the types that it moves for, and what the code declares."""

import logging
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from carveout import log, missed
from carveout.conf import get_settings
from carveout.event import Place
from carveout.missed import Missed
from carveout.models import Cursor
from carveout.subscription import Subscription, registry

logger = logging.getLogger(__name__)

COUNTED_MAX = 100_000
"""In so many positions at most it is counted what passed unheard."""

_told: set[str] = set()


def declared(subscription: Subscription, context: str) -> str:
    """The types of a context that a subscription hears, as a new cursor stores them."""
    return write(each for each in subscription.types if each.split(".")[0] == context)


def write(types: Iterable[str]) -> str:
    return " ".join(sorted(set(types)))


def lacks(subscription: Subscription, context: str, hears: str) -> bool:
    """Is a type declared that a cursor does not move for yet?"""
    return not set(declared(subscription, context).split()) <= set(hears.split())


def unknown(subscription: Subscription, hears: str) -> frozenset[str]:
    """The types that a cursor moves for and that only other code hears."""
    return frozenset(hears.split()) - subscription.types


def declare(subscriptions: Collection[Subscription], database: str) -> None:
    """Let cursors move for what is declared, from now on.

    No type is ever taken away here: another release may hear it. What of a new type passed before
    is written down; a subscription that starts with "now" asks for nothing of before.
    """
    by_name = {each.name: each for each in subscriptions}
    rows = Cursor.objects.using(database).filter(subscription__in=by_name)
    for row in rows.order_by("subscription", "context", "partition"):
        subscription = by_name[row.subscription]
        if row.context in subscription.sources and lacks(subscription, row.context, row.hears):
            _add_types(subscription, row)


def _add_types(subscription: Subscription, row: Cursor) -> None:
    """Not by reading the position first: old code may move the cursor meanwhile."""
    known, wanted = set(row.hears.split()), set(declared(subscription, row.context).split())
    rows = Cursor.objects.using(row._state.db).filter(pk=row.pk, hears=row.hears)
    if not known or subscription.start == "now":  # of before 0002, or nothing of before is asked
        rows.update(hears=write(known | wanted))
        return
    unheard: list[Any] = [F("unheard")]
    for type_ in sorted(wanted - known):
        unheard += [Value(f" {type_}=0-"), Cast("position", CharField())]
    if rows.update(hears=write(known | wanted), unheard=Concat(*unheard, output_field=CharField())):
        _note(subscription, Cursor.objects.using(row._state.db).get(pk=row.pk), wanted - known)


def _note(subscription: Subscription, row: Cursor, added: Collection[str]) -> None:
    """Tell of what passed, and forget it where there was nothing."""
    passed, kept, lines = missed.read(row.unheard), [], []
    for each in passed:
        many = count((row.context, row.partition), each) if each.type in added else None
        if many != 0:
            kept.append(each)
        if many != 0 and each.type in added and each.last:
            lines.append(f"{'some' if many is None else many} {each.type} up to {each.last}")
    rows = Cursor.objects.using(row._state.db).filter(pk=row.pk, unheard=row.unheard)
    rows.update(unheard=missed.write(kept))
    if lines:
        logger.warning(
            "%s hears more now; passed before, on %s.%s: %s. `manage.py unheard %s --deliver`"
            " delivers them, --accept leaves them out.",
            *(subscription.name, row.context, row.partition, ", ".join(lines), subscription.name),
        )


def count(place: Place, each: Missed) -> int | None:
    """How many events passed unheard; None if the log is elsewhere, or too long to count."""
    if each.last - each.after > COUNTED_MAX or not get_settings().hosts(place[0]):
        return None
    rows = log.rows_of(*place).filter(position__gt=each.after, position__lte=each.last)
    return rows.filter(type=each.type).count()


def predecessors(subscription: Subscription) -> list[str]:
    """Who stands on the same events and is declared no more, if a subscription has no cursors.

    It may be the same one, under the name that it had before.
    """
    cursors = Cursor.objects.using(subscription.database)
    if cursors.filter(subscription=subscription.name).exists():
        return []
    rows = cursors.filter(context__in=subscription.sources).exclude(subscription__in=registry)
    return sorted(
        {
            name
            for name, hears in rows.values_list("subscription", "hears")
            if _may_be(name, subscription) and (not hears or subscription.types & {*hears.split()})
        }
    )


def _may_be(name: str, subscription: Subscription) -> bool:
    """Of the same context, or moved here from another one whose code is known."""
    context, _, function = name.partition(".")
    if context == subscription.context:
        return True
    settings = get_settings()
    elsewhere = context in settings.contexts and not settings.hosts(context)
    return not elsewhere and function == subscription.name.partition(".")[2]


def refusal(subscription: Subscription, names: Collection[str]) -> str:
    """Why a subscription does not begin, and the choice."""
    renames = " or ".join(f"`manage.py rename {each} {subscription.name}`" for each in names)
    forgets = " and ".join(f"`manage.py forget {each}`" for each in names)
    return (
        f"{subscription.name} does not begin: {', '.join(names)}, no longer declared here, has"
        f" cursors on the same events. If it was renamed, run {renames}. If not, run {forgets};"
        f" {subscription.name} then begins as start={subscription.start!r} says."
    )


def more(subscription: Subscription, types: Collection[str]) -> str:
    """What to say of types that a cursor moves for and the code here does not hear."""
    named = ", ".join(sorted(types))
    return (
        f"{subscription.name} does not hear {named} here, but another release does: such events"
        f" are kept for it. If no release hears them any more, run `manage.py unheard"
        f" {subscription.name} --accept`."
    )


def tell_once(level: int, text: str) -> None:
    """Log what a process need not say again."""
    if text not in _told:
        _told.add(text)
        logger.log(level, "%s", text)


def forget() -> None:
    """Begin anew, as in a new process."""
    _told.clear()
