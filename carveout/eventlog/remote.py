"""Reads events that a stream no longer holds from the owner's log, in process or over HTTP."""

from datetime import datetime

import msgspec

from carveout.conf import get_settings
from carveout.conf.time_zones import in_utc
from carveout.errors import LookupRefused
from carveout.eventlog import reader
from carveout.eventlog.reader import LogRange
from carveout.events.event import PartitionRef, ReceivedEvent
from carveout.events.upcasters import upcast_event
from carveout.lookups import http


class EventsPage(msgspec.Struct, frozen=True):
    """A response of the internal events API."""

    identity: str
    first: int
    head: int
    partitions: int
    """How many partitions the log has, or had."""
    events: list[ReceivedEvent]
    before: int = 0
    """The last position before the requested time."""


def read(subscriber: str, ref: PartitionRef, after: int, limit: int) -> list[ReceivedEvent]:
    """Events after a position, from the log itself.

    Raises: HistoryGone: they were pruned. LookupUnavailable: the owner did not answer.
    """
    if get_settings().hosts(ref.context):
        return reader.read(*ref, after, limit)
    return [upcast_event(event) for event in _ask(subscriber, ref, after, limit).events]


def log_range(subscriber: str, ref: PartitionRef) -> LogRange:
    """What the owner's log holds. Raises: LookupUnavailable: the owner did not answer."""
    if get_settings().hosts(ref.context):
        return reader.log_range(*ref)
    answer = _ask(subscriber, ref, 0, 0)
    return LogRange(answer.identity, answer.first, answer.head)


def partitions(subscriber: str, context: str) -> int:
    """How many partitions the log of a context has, or had.

    Raises: LookupUnavailable: the owner did not answer.
    """
    if get_settings().hosts(context):
        return len(reader.all_partitions([context]))
    return _ask(subscriber, PartitionRef(context, 0), 0, 0).partitions


def position_before(subscriber: str, ref: PartitionRef, time: datetime) -> int:
    """The position before the first event that is not older than a time.

    Raises: LookupUnavailable: the owner did not answer.
    """
    if get_settings().hosts(ref.context):
        return reader.position_before(*ref, time)
    return _ask(subscriber, ref, 0, 0, since=in_utc(time).isoformat()).before


def _ask(subscriber: str, ref: PartitionRef, after: int, limit: int, since: str = "") -> EventsPage:
    resource = f"events/{ref.context}/{ref.number}/"
    params = [("after", str(after)), ("limit", str(limit)), ("since", since)]
    answer = http.get(subscriber, ref.context, resource, params)
    try:
        return msgspec.json.decode(answer, type=EventsPage)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise LookupRefused(
            f"{ref.context} answered with no valid page of events: {error}."
        ) from error
