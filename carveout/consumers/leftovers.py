"""Finds the events that an in-process run did not deliver, and why."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import NamedTuple

from carveout.conf import get_settings
from carveout.deliveries import store
from carveout.eventlog import reader
from carveout.events.event import PartitionRef, current_subscription
from carveout.models import Cursor, Delivery
from carveout.subscriptions import cursors, handled_types
from carveout.subscriptions.cursors import CursorState
from carveout.subscriptions.subscription import Subscription, hosted, registry


class Before(NamedTuple):
    """The state before the run."""

    heads: dict[PartitionRef, int]
    untried: set[tuple[str, int]]


def before() -> Before:
    """Collect the state before the run."""
    refs = reader.all_partitions(get_settings().hosted)
    return Before({ref: reader.head_row(*ref).head for ref in refs}, {*_untried()})


def messages(before: Before, stalled: Collection[str]) -> list[str]:
    """What the run left, one sentence each; nothing inside a handler, whose run continues.

    stalled: subscriptions that already have a known reason for their unhandled events.
    """
    if current_subscription.get():
        return []
    return [*_behind(stalled), *_kept(before), *_elsewhere(before)]


def _behind(stalled: Collection[str]) -> Iterator[str]:
    """Subscriptions that did not reach the end of their logs."""
    heads = {
        ref: reader.head_row(*ref).head for ref in reader.all_partitions(get_settings().hosted)
    }
    here = hosted(get_settings().hosted)
    names: dict[tuple[str, PartitionRef], list[str]] = defaultdict(list)
    for each in here:
        for ref in heads:
            names[each.database, ref].append(each.name)
    states = {at: cursors.states(those, at[1], at[0]) for at, those in names.items()}
    for each in here:
        for ref, head in heads.items():
            if each.name in stalled or ref.context not in each.source_contexts:
                continue
            state = states[each.database, ref].get(each.name)
            after = state.at.position if state else 0
            if after < head and (left := _left(each, ref, after)):
                yield f"{each.name} {_why(each, state)} {left}"


def _why(subscription: Subscription, state: CursorState | None) -> str:
    if state and state.at.paused:
        return "is paused. Resume it first."
    if not state and (names := handled_types.predecessors(subscription)):
        return f"did not begin: {handled_types.refusal(subscription, names)}"
    return "did not handle all its events."


def _left(subscription: Subscription, ref: PartitionRef, after: int) -> str:
    """A sentence about its events after a position; empty if there are none."""
    rows = reader.rows_of(*ref).filter(position__gt=after, type__in=subscription.types)
    first = rows.order_by("position").first()
    if first is None:
        return ""
    return f"Left: {rows.count()}, first {first.type} {first.key!r} at position {first.position}."


def _kept(before: Before) -> Iterator[str]:
    """Deliveries of this run that were not tried."""
    for database, pk in _untried():
        if (database, pk) in before.untried:
            continue
        row = Delivery.objects.using(database).get(pk=pk)
        what = f"{store.event_of(row).type} {row.key!r} at position {row.position}"
        yield f"{row.subscription} was not called for {what}: {_held_up(row, database)}"


def _held_up(row: Delivery, database: str) -> str:
    if Cursor.objects.using(database).filter(
        subscription=row.subscription, paused_at__isnull=False
    ):
        return "it is paused. Resume it first."
    earlier = Delivery.objects.using(database).filter(
        subscription=row.subscription, context=row.context, key=row.key, pk__lt=row.pk
    )
    first = earlier.order_by("pk").first()
    if first is None:
        return "it waits for its turn."
    return f"it waits behind the event of the same key at position {first.position}."


def _elsewhere(before: Before) -> Iterator[str]:
    """Subscriptions declared in this process whose contexts are not hosted here."""
    here = get_settings().hosted
    for each in sorted(registry.values(), key=lambda each: each.name):
        if each.context in here:
            continue
        for ref, head in before.heads.items():
            if ref.context in each.source_contexts and (left := _left(each, ref, head)):
                yield (
                    f"{each.name} was not called: its context {each.context} is not hosted here,"
                    f" only {', '.join(here)}. Add it to CARVEOUT['HOSTED'] in the settings of"
                    f" this test. {left}"
                )


def _untried() -> list[tuple[str, int]]:
    return [
        (database, pk)
        for database in get_settings().hosted_databases
        for pk in Delivery.objects.using(database)
        .filter(attempts=0, error_type="")
        .exclude(state=Delivery.State.TRYING)
        .order_by("pk")
        .values_list("pk", flat=True)
    ]
