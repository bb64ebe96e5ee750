"""Handling: fetch what handlers ask for, before any transaction, and call them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from carveout import correlation, guard
from carveout.errors import LookupNotFound
from carveout.event import ReceivedEvent, cause, hearer
from carveout.limit import time_limit
from carveout.lookups import Lookup, from_carried, look_up_many
from carveout.replica import Seen
from carveout.subscription import Subscription
from carveout.upcaster import insist

Found = dict[tuple[type[Lookup], str], Lookup]
"""What was looked up, by reader and key."""


def key_for(reader: type[Lookup], event: ReceivedEvent) -> str | None:
    """The key of the looked-up object that an event is about; None if it lacks that field."""
    if not reader.lookup_by:
        return event.key
    value = getattr(event, reader.lookup_by, None)
    return None if value is None else str(value)


def travels_in(event: ReceivedEvent, reader: type[Lookup]) -> bool:
    """Does the event carry what this reader would look up?"""
    carried = event.carried is not None and event.carries == reader.lookup_of
    return carried and key_for(reader, event) == event.key


def prefetch(subscription: Subscription, events: Sequence[ReceivedEvent]) -> Found:
    """All lookups that a subscription's handler needs for these events, one request each.

    Raises: LookupUnavailable, LookupRefused: as `look_up_many`.
    """
    found: Found = {}
    for reader in set(subscription.lookups.values()):
        missing = [event for event in events if not travels_in(event, reader)]
        keys = [key for event in missing if (key := key_for(reader, event)) is not None]
        if keys:
            with correlation.using(correlation.shared(missing)):
                answers = look_up_many(reader, keys, seen=newest(missing, reader))
            found |= {(reader, key): answer for key, answer in answers.items()}
    return found


def newest(events: Sequence[ReceivedEvent], reader: type[Lookup]) -> Seen | None:
    """Where the last of these events is in the log of the context that is looked up."""
    last = events[-1]
    ours = last.context == reader.lookup_of.split(".")[0]
    return (last.partition, last.position) if ours else None


def lookups_for(
    subscription: Subscription, event: ReceivedEvent, found: Found
) -> dict[str, Lookup]:
    """The handler's lookups for one event, by parameter. What travelled in it comes from there.

    Raises: LookupNotFound: an owner did not know a key, or the event has none.
            LookupRefused: what travelled is not what the reader declares.
    """
    return {
        parameter: _lookup_for(reader, event, found)
        for parameter, reader in subscription.lookups.items()
    }


def _lookup_for(reader: type[Lookup], event: ReceivedEvent, found: Found) -> Lookup:
    if event.carried is not None and travels_in(event, reader):
        return from_carried(reader, event.carried)
    key = key_for(reader, event)
    if key is None:
        raise LookupNotFound(f"{event.type} has no {reader.lookup_by!r} to look it up by.")
    if (reader, key) not in found:
        raise LookupNotFound(
            f"{reader.lookup_of} has no {key!r} for {event.type} at position {event.position}."
        )
    return found[reader, key]


def call(
    subscription: Subscription,
    events: Sequence[ReceivedEvent],
    found: Found,
    time_is_up: Callable[[], bool] = lambda: False,
) -> int:
    """Call the handler with these events, in order, until time is up.

    Returns: how many of them were handled. Raises: UpcastFailed, and what it raises.
    """
    events = insist(events)
    limit = time_limit(subscription.time_limit_s, subscription.name)
    with heard_by(subscription), guard.transaction_kept(subscription), limit as restart:
        if subscription.batch:
            items = _items(subscription, events, found)
            guard.run(subscription, events, lambda: subscription.handler(items))
            return len(events)
        for done, event in enumerate(events):
            if done and time_is_up():
                return done
            restart()
            _call_one(subscription, event, found)
        return len(events)


def _items(subscription: Subscription, events: Sequence[ReceivedEvent], found: Found) -> list[Any]:
    if not subscription.lookups:
        return list(events)
    return [(event, *lookups_for(subscription, event, found).values()) for event in events]


def _call_one(subscription: Subscription, event: ReceivedEvent, found: Found) -> None:
    arguments: dict[str, Any] = lookups_for(subscription, event, found)
    if subscription.event_parameter:
        arguments[subscription.event_parameter] = event
    with caused_by(event):
        guard.run(subscription, [event], lambda: subscription.handler(**arguments))


@contextmanager
def caused_by(event: ReceivedEvent) -> Iterator[None]:
    """Events that are published inside the block name this one as their cause."""
    token = cause.set(event)
    try:
        yield
    finally:
        cause.reset(token)


@contextmanager
def heard_by(subscription: Subscription) -> Iterator[None]:
    """Lines of the log that are written inside the block name this subscription."""
    token = hearer.set(subscription.name)
    try:
        yield
    finally:
        hearer.reset(token)
