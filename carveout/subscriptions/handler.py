"""Fetches the lookups of handlers before any transaction, and calls the handlers."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError

from carveout.errors import HandlerMisbehaved, LookupNotFound
from carveout.events.event import ReceivedEvent, current_event, current_subscription
from carveout.events.upcasters import upcast_or_fail
from carveout.lookups.reader import Lookup, from_carried, look_up_many
from carveout.lookups.replica import Seen
from carveout.subscriptions import handler_guard
from carveout.subscriptions.subscription import Subscription
from carveout.subscriptions.time_limit import time_limit
from carveout.telemetry import correlation

logger = logging.getLogger(__name__)

FetchedLookups = dict[tuple[type[Lookup], str], Any]
"""Looked-up objects, by reader and key."""


def key_for(reader: type[Lookup], event: ReceivedEvent) -> str | None:
    """The key of the object to look up for an event; None if the event lacks that field."""
    if not reader.lookup_by:
        return event.key
    value = getattr(event, reader.lookup_by, None)
    return None if value is None else str(value)


def is_carried_by(event: ReceivedEvent, reader: type[Lookup]) -> bool:
    """Whether the event carries the object that this reader would look up."""
    if reader.lookup_fetch:
        return False
    carried = event.carried is not None and event.carries == reader.lookup_of
    return carried and key_for(reader, event) == event.key


Readers = Mapping[str, type[Lookup]]
"""The lookups of a function, by parameter."""


def prefetch(readers: Readers, events: Sequence[ReceivedEvent]) -> FetchedLookups:
    """Fetch all lookups that a function needs for these events, one request each.

    Raises: LookupUnavailable, LookupRefused: as `look_up_many`.
    """
    fetched: FetchedLookups = {}
    for reader in set(readers.values()):
        missing = [event for event in events if not is_carried_by(event, reader)]
        keys = [key for event in missing if (key := key_for(reader, event)) is not None]
        if keys:
            with correlation.using(correlation.shared(missing)):
                answers = _fetch(reader, keys, last_seen(missing, reader))
            fetched |= {(reader, key): answer for key, answer in answers.items()}
    return fetched


def _fetch(reader: type[Lookup], keys: Iterable[str], seen: Seen | None) -> Mapping[str, Any]:
    if reader.lookup_fetch:
        return reader.lookup_fetch(keys)
    return look_up_many(reader, keys, seen=seen)


def last_seen(events: Sequence[ReceivedEvent], reader: type[Lookup]) -> Seen | None:
    """The last of these events in the log of the context that is looked up."""
    last = events[-1]
    ours = last.context == reader.lookup_of.split(".")[0]
    return (last.partition, last.position) if ours else None


def lookups_for(readers: Readers, event: ReceivedEvent, fetched: FetchedLookups) -> dict[str, Any]:
    """The lookups for one event, by parameter. Carried objects come from the event.

    Raises: LookupNotFound: an owner has no object with a key, or the event has no key.
            LookupRefused: a carried object does not fit the reader.
    """
    return {parameter: _lookup_for(reader, event, fetched) for parameter, reader in readers.items()}


def _lookup_for(reader: type[Lookup], event: ReceivedEvent, fetched: FetchedLookups) -> Any:
    if event.carried is not None and is_carried_by(event, reader):
        return from_carried(reader, event.carried)
    key = key_for(reader, event)
    if key is None:
        raise LookupNotFound(f"{event.type} has no {reader.lookup_by!r} to look it up by.")
    if (reader, key) not in fetched:
        raise LookupNotFound(
            f"{reader.lookup_of} has no {key!r} for {event.type} at position {event.position}."
        )
    return fetched[reader, key]


def call_handler(
    subscription: Subscription,
    events: Sequence[ReceivedEvent],
    fetched: FetchedLookups,
    time_is_up: Callable[[], bool] = lambda: False,
) -> int:
    """Call the handler with these events, in order, until time is up.

    Returns: how many were handled. Raises: UpcastFailed, and any error of the handler.
    """
    events = upcast_or_fail(events)
    limit = time_limit(subscription.time_limit_s, subscription.name)
    with (
        running_subscription(subscription),
        handler_guard.transaction_kept(subscription),
        limit as restart,
    ):
        if subscription.batch:
            items = _items(subscription, events, fetched)
            handler_guard.run(subscription, events, lambda: subscription.handler(items))
            return len(events)
        for done, event in enumerate(events):
            if done and time_is_up():
                return done
            restart()
            _call_with_one(subscription, event, fetched)
        return len(events)


def _items(
    subscription: Subscription, events: Sequence[ReceivedEvent], fetched: FetchedLookups
) -> list[Any]:
    if not subscription.lookups:
        return list(events)
    return [
        (event, *lookups_for(subscription.lookups, event, fetched).values()) for event in events
    ]


def _call_with_one(
    subscription: Subscription, event: ReceivedEvent, fetched: FetchedLookups
) -> None:
    arguments = _arguments(subscription.event_parameter, subscription.lookups, event, fetched)
    with handling_event(event):
        handler_guard.run(subscription, [event], lambda: subscription.handler(**arguments))


def _arguments(
    event_parameter: str | None, readers: Readers, event: ReceivedEvent, fetched: FetchedLookups
) -> dict[str, Any]:
    arguments: dict[str, Any] = lookups_for(readers, event, fetched)
    return arguments | {event_parameter: event} if event_parameter else arguments


def declined(
    subscription: Subscription,
    when: Callable[..., object],
    events: Sequence[ReceivedEvent],
    fetched: FetchedLookups,
) -> list[ReceivedEvent]:
    """The events that a subscription's `when` does not want.

    If it raises, its handler decides, in a job.

    Raises: Error, HandlerMisbehaved: `when` leaves the transaction unusable.
    """
    unwanted = []
    limit = time_limit(subscription.time_limit_s, subscription.name)
    with (
        running_subscription(subscription),
        handler_guard.transaction_kept(subscription),
        limit as restart,
    ):
        for event in events:
            restart()
            try:
                if not _is_wanted(subscription, when, event, fetched):
                    unwanted.append(event)
            except (DatabaseError, HandlerMisbehaved):
                raise
            except Exception as error:
                at = (subscription.name, event.type, event.key)
                logger.warning("%s: its `when` failed on %s %s, which gets a job: %r", *at, error)
    return unwanted


def _is_wanted(
    subscription: Subscription,
    when: Callable[..., object],
    event: ReceivedEvent,
    fetched: FetchedLookups,
) -> bool:
    [event] = upcast_or_fail([event])
    arguments = _arguments(*subscription.when_parameters, event, fetched)
    answers: list[object] = []
    with handling_event(event):
        handler_guard.run(subscription, [event], lambda: answers.append(when(**arguments)))
    return bool(answers[0])


@contextmanager
def handling_event(event: ReceivedEvent) -> Iterator[None]:
    """Make this event the cause of events that are published inside the block."""
    token = current_event.set(event)
    try:
        yield
    finally:
        current_event.reset(token)


@contextmanager
def running_subscription(subscription: Subscription) -> Iterator[None]:
    """Add this subscription to log lines that are written inside the block."""
    token = current_subscription.set(subscription.name)
    try:
        yield
    finally:
        current_subscription.reset(token)
