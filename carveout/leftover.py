"""Leftovers: events that a run in process did not deliver, and why."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import NamedTuple

from carveout import cursor, delivery, hearing, log
from carveout.conf import get_settings
from carveout.cursor import Stand
from carveout.event import Place, hearer
from carveout.models import Cursor, Delivery
from carveout.subscription import Subscription, hosted, registry


class Before(NamedTuple):
    """How far everything was before the run."""

    heads: dict[Place, int]
    untried: set[tuple[str, int]]


def before() -> Before:
    """To be asked before the run."""
    places = log.places_of(get_settings().hosted)
    return Before({place: log.head_of(*place).head for place in places}, {*_untried()})


def told(before: Before, stalled: Collection[str]) -> list[str]:
    """What the run left, a sentence each; nothing inside a handler, whose run goes on.

    stalled: subscriptions of which it is known already why they stayed behind.
    """
    if hearer.get():
        return []
    return [*_behind(stalled), *_kept(before), *_elsewhere(before)]


def _behind(stalled: Collection[str]) -> Iterator[str]:
    """Subscriptions that did not come to the end of the logs they hear."""
    heads = {place: log.head_of(*place).head for place in log.places_of(get_settings().hosted)}
    here = hosted(get_settings().hosted)
    names: dict[tuple[str, Place], list[str]] = defaultdict(list)
    for each in here:
        for place in heads:
            names[each.database, place].append(each.name)
    stands = {at: cursor.stands(those, at[1], at[0]) for at, those in names.items()}
    for each in here:
        for place, head in heads.items():
            if each.name in stalled or place[0] not in each.sources:
                continue
            stand = stands[each.database, place].get(each.name)
            after = stand.at.position if stand else 0
            if after < head and (left := _left(each, place, after)):
                yield f"{each.name} {_why(each, stand)} {left}"


def _why(subscription: Subscription, stand: Stand | None) -> str:
    if stand and stand.at.paused:
        return "is paused: resume it first."
    if not stand and (names := hearing.predecessors(subscription)):
        return f"did not begin: {hearing.refusal(subscription, names)}"
    return "stayed behind."


def _left(subscription: Subscription, place: Place, after: int) -> str:
    """The events that it hears after a position; empty if there are none."""
    rows = log.rows_of(*place).filter(position__gt=after, type__in=subscription.types)
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
        what = f"{delivery.event_of(row).type} {row.key!r} at position {row.position}"
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
    """Subscriptions that are declared in this process, of contexts that are not hosted here."""
    here = get_settings().hosted
    for each in sorted(registry.values(), key=lambda each: each.name):
        if each.context in here:
            continue
        for place, head in before.heads.items():
            if place[0] in each.sources and (left := _left(each, place, head)):
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
