"""Shows which of the subscriptions that live here have handled the events of a page."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from carveout.admin.formatting import NOTHING, in_a_word, on_hover
from carveout.conf import get_settings
from carveout.models import Cursor, Delivery, LoggedEvent
from carveout.subscriptions import subscription
from carveout.subscriptions.subscription import SHADOW, Subscription

HANDLED = "handled"
WORST_FIRST = ("dead", "trying", "queued", "waiting", HANDLED)
SHOWN_MAX = 3
States = dict[str, str]
"""The states of an event by subscription: that of a delivery, or whether a cursor passed it."""


def states_of(events: Sequence[LoggedEvent]) -> dict[UUID, States]:
    """The states of these events, from their databases' cursors and deliveries alone."""
    found: dict[UUID, States] = defaultdict(dict)
    ours = [
        each
        for each in subscription.hosted(get_settings().hosted)
        if not each.name.endswith(SHADOW)
    ]
    for database in get_settings().hosted_databases:
        there = [each for each in ours if each.database == database]
        for event_id, name, state in _states_in(database, there, events):
            found[event_id][name] = state
    return found


def _states_in(
    database: str, ours: list[Subscription], events: Sequence[LoggedEvent]
) -> Iterator[tuple[UUID, str, str]]:
    heard = [
        (event, each.name)
        for event in events
        for each in ours
        if event.type in each.types and event.seam in each.seams
    ]
    names = {name for _, name in heard}
    rows = Cursor.objects.using(database).filter(subscription__in=names)
    cursors: dict[tuple[str, str, int | None], int] = {
        (name, context, partition): position
        for name, context, partition, position in rows.values_list(
            "subscription", "context", "partition", "position"
        )
    }
    for event, name in heard:
        at = cursors.get((name, event.context, event.partition), 0)
        passed = event.position is not None and at >= event.position
        yield event.event_id, name, HANDLED if passed else "waiting"
    ids = [event.event_id for event in events]
    parked = Delivery.objects.using(database).filter(event_id__in=ids)
    yield from parked.values_list("event_id", "subscription", "state")


def shown(states: States) -> SafeString:
    """The subscriptions, those that have not handled the event first; all of them on hover."""
    ordered = sorted(states.items(), key=lambda each: (WORST_FIRST.index(each[1]), each[0]))
    few = format_html_join(", ", "{}", ((_one(*each),) for each in ordered[:SHOWN_MAX]))
    if len(ordered) <= SHOWN_MAX:
        return few or SafeString(NOTHING)
    whole = "\n".join(f"{name}: {state}" for name, state in ordered)
    return format_html("{}, {}", few, on_hover(f"{len(ordered) - SHOWN_MAX} more", whole))


def _one(name: str, state: str) -> SafeString:
    if state == HANDLED:
        return format_html("{}", name)
    return format_html('{} <strong class="carveout-{}">{}</strong>', name, state, in_a_word(state))
