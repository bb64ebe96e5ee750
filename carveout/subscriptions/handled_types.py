"""Compares the types that a cursor moves for with those that the code declares."""

import logging
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Cast, Concat

from carveout.conf import get_settings
from carveout.eventlog import reader
from carveout.events import missed
from carveout.events.event import PartitionRef
from carveout.events.missed import Missed
from carveout.models import Cursor
from carveout.subscriptions.subscription import SHADOW, Subscription, registry

logger = logging.getLogger(__name__)

COUNTED_MAX = 100_000
"""Missed events are counted only in at most this many positions."""

_logged: set[str] = set()


def declared(subscription: Subscription, context: str) -> str:
    """The types of a context that a subscription handles, as a new cursor stores them."""
    return write(each for each in subscription.types if each.split(".")[0] == context)


def write(types: Iterable[str]) -> str:
    return " ".join(sorted(set(types)))


def lacks(subscription: Subscription, context: str, types: str) -> bool:
    """Whether a type is declared that the cursor does not move for yet."""
    return not set(declared(subscription, context).split()) <= set(types.split())


def unknown(subscription: Subscription, types: str) -> frozenset[str]:
    """The types that a cursor moves for and that only other code handles."""
    return frozenset(types.split()) - subscription.types


def declare(subscriptions: Collection[Subscription], database: str) -> None:
    """Let cursors move for the declared types from now on.

    Never removes a type: another release may handle it. Records which older events of a new type
    were missed; a subscription with start="now" wants no older events.
    """
    by_name = {each.name: each for each in subscriptions}
    rows = Cursor.objects.using(database).filter(subscription__in=by_name)
    for row in rows.order_by("subscription", "context", "partition"):
        subscription = by_name[row.subscription]
        if row.context in subscription.source_contexts and lacks(
            subscription, row.context, row.hears
        ):
            _add_types(subscription, row)


def _add_types(subscription: Subscription, row: Cursor) -> None:
    """In one statement: old code may move the cursor after a separate read."""
    known, wanted = set(row.hears.split()), set(declared(subscription, row.context).split())
    rows = Cursor.objects.using(row._state.db).filter(pk=row.pk, hears=row.hears)
    if not known or subscription.start == "now":  # from before 0002, or no older events are wanted
        rows.update(hears=write(known | wanted))
        return
    unheard: list[Any] = [F("unheard")]
    for type_ in sorted(wanted - known):
        unheard += [Value(f" {type_}=0-"), Cast("position", CharField())]
    if rows.update(hears=write(known | wanted), unheard=Concat(*unheard, output_field=CharField())):
        _note(subscription, Cursor.objects.using(row._state.db).get(pk=row.pk), wanted - known)


def _note(subscription: Subscription, row: Cursor, added: Collection[str]) -> None:
    """Log missed events, and clear the record where there were none."""
    passed, kept, lines = missed.read(row.unheard), [], []
    for each in passed:
        many = count(PartitionRef(row.context, row.partition), each) if each.type in added else None
        if many != 0:
            kept.append(each)
        if many != 0 and each.type in added and each.last:
            lines.append(f"{'some' if many is None else many} {each.type} up to {each.last}")
    rows = Cursor.objects.using(row._state.db).filter(pk=row.pk, unheard=row.unheard)
    rows.update(unheard=missed.write(kept))
    if lines:
        logger.warning(
            "%s handles more types now. Missed on %s.%s: %s. `manage.py unheard %s --deliver`"
            " delivers them, --accept skips them.",
            *(subscription.name, row.context, row.partition, ", ".join(lines), subscription.name),
        )


def count(ref: PartitionRef, each: Missed) -> int | None:
    """How many events were missed; None if the log is elsewhere, or too long to count."""
    if each.last - each.after > COUNTED_MAX or not get_settings().hosts(ref.context):
        return None
    rows = reader.rows_of(*ref).filter(position__gt=each.after, position__lte=each.last)
    return rows.filter(type=each.type).count()


def predecessors(subscription: Subscription) -> list[str]:
    """Undeclared subscriptions with cursors on the same events, if a subscription has none.

    One of them may be this subscription under its old name.
    """
    cursors = Cursor.objects.using(subscription.database)
    compares = subscription.name.endswith(SHADOW)
    if compares or cursors.filter(subscription=subscription.name).exists():
        return []
    rows = cursors.filter(context__in=subscription.source_contexts).exclude(
        Q(subscription__in=registry) | Q(subscription__endswith=SHADOW)
    )
    return sorted(
        {
            name
            for name, types in rows.values_list("subscription", "hears")
            if _may_be(name, subscription) and (not types or subscription.types & {*types.split()})
        }
    )


def _may_be(name: str, subscription: Subscription) -> bool:
    """Whether it is of the same context, or moved here from another one with known code."""
    context, _, function = name.partition(".")
    if context == subscription.context:
        return True
    settings = get_settings()
    elsewhere = context in settings.contexts and not settings.hosts(context)
    return not elsewhere and function == subscription.name.partition(".")[2]


def refusal(subscription: Subscription, names: Collection[str]) -> str:
    """Why a subscription does not begin, and what to choose from."""
    renames = " or ".join(f"`manage.py rename {each} {subscription.name}`" for each in names)
    forgets = " and ".join(f"`manage.py forget {each}`" for each in names)
    return (
        f"{subscription.name} does not begin: {', '.join(names)} is no longer declared here and has"
        f" cursors on the same events. If it was renamed, run {renames}. If not, run {forgets};"
        f" {subscription.name} then begins with start={subscription.start!r}."
    )


def more(subscription: Subscription, types: Collection[str]) -> str:
    """A message about types that a cursor moves for and the code here does not handle."""
    named = ", ".join(sorted(types))
    return (
        f"{subscription.name} does not handle {named} here, but another release does: such events"
        f" are kept for it. If no release handles them any more, run `manage.py unheard"
        f" {subscription.name} --accept`."
    )


def log_once(level: int, text: str) -> None:
    """Log a message once per process."""
    if text not in _logged:
        _logged.add(text)
        logger.log(level, "%s", text)


def reset() -> None:
    """Reset the state to that of a new process."""
    _logged.clear()
