"""Handling: fetch what handlers ask for, before any transaction, and call them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from carveout.errors import LookupNotFound
from carveout.event import ReceivedEvent, cause
from carveout.lookups import Lookup, from_carried, look_up_many
from carveout.subscription import Subscription

Found = dict[tuple[type[Lookup], str], Lookup]
"""What was looked up, by reader and key."""


def key_for(reader: type[Lookup], event: ReceivedEvent) -> str:
    """The key of the looked-up object that an event is about."""
    return str(getattr(event, reader.lookup_by)) if reader.lookup_by else event.key


def prefetch(subscription: Subscription, events: Sequence[ReceivedEvent]) -> Found:
    """All lookups that a subscription's handler needs for these events, one request each.

    What travelled in an event is taken from there.

    Raises: LookupUnavailable, LookupRefused: as `look_up_many`.
    """
    found: Found = {}
    for reader in set(subscription.lookups.values()):
        missing = []
        for event in events:
            key = key_for(reader, event)
            if event.carried is not None and event.carries == reader.lookup_of:
                found[reader, key] = from_carried(reader, event.carried)
            else:
                missing.append(key)
        if missing:
            answers = look_up_many(reader, missing)
            found |= {(reader, key): answer for key, answer in answers.items()}
    return found


def lookups_for(
    subscription: Subscription, event: ReceivedEvent, found: Found
) -> dict[str, Lookup]:
    """The handler's lookups for one event, by parameter.

    Raises: LookupNotFound: an owner did not know a key.
    """
    chosen = {}
    for parameter, reader in subscription.lookups.items():
        key = key_for(reader, event)
        if (reader, key) not in found:
            raise LookupNotFound(
                f"{reader.lookup_of} has no {key!r} for {event.type} at position {event.position}."
            )
        chosen[parameter] = found[reader, key]
    return chosen


def call(subscription: Subscription, events: Sequence[ReceivedEvent], found: Found) -> None:
    """Call the handler with these events, in order."""
    if subscription.batch:
        subscription.handler([_item(subscription, event, found) for event in events])
        return
    for event in events:
        arguments: dict[str, Any] = lookups_for(subscription, event, found)
        if subscription.event_parameter:
            arguments[subscription.event_parameter] = event
        with caused_by(event):
            subscription.handler(**arguments)


def _item(subscription: Subscription, event: ReceivedEvent, found: Found) -> Any:
    chosen = lookups_for(subscription, event, found)
    return (event, *chosen.values()) if chosen else event


@contextmanager
def caused_by(event: ReceivedEvent) -> Iterator[None]:
    """Events that are published inside the block name this one as their cause."""
    token = cause.set(event)
    try:
        yield
    finally:
        cause.reset(token)
