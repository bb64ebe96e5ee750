"""History: what a stream no longer holds, read from the owner's log, in process or over HTTP."""

from datetime import datetime

import msgspec

from carveout import log, transport
from carveout.conf import get_settings
from carveout.errors import LookupRefused
from carveout.event import Place, ReceivedEvent
from carveout.log import Extent
from carveout.moment import in_utc
from carveout.upcaster import newest


class History(msgspec.Struct, frozen=True):
    """The answer of the internal events API."""

    identity: str
    first: int
    head: int
    partitions: int
    """How many the log has, or had."""
    events: list[ReceivedEvent]
    before: int = 0
    """The position before the time that was asked for."""


def read(subscriber: str, place: Place, after: int, limit: int) -> list[ReceivedEvent]:
    """Events after a position, from the log itself.

    Raises: HistoryGone: they were pruned. LookupUnavailable: the owner did not answer.
    """
    if get_settings().hosts(place[0]):
        return log.read(*place, after, limit)
    return [newest(event) for event in _ask(subscriber, place, after, limit).events]


def extent(subscriber: str, place: Place) -> Extent:
    """What the owner's log holds. Raises: LookupUnavailable: the owner did not answer."""
    if get_settings().hosts(place[0]):
        return log.extent(*place)
    answer = _ask(subscriber, place, 0, 0)
    return Extent(answer.identity, answer.first, answer.head)


def partitions(subscriber: str, context: str) -> int:
    """How many partitions the log of a context has, or had.

    Raises: LookupUnavailable: the owner did not answer.
    """
    if get_settings().hosts(context):
        return len(log.places_of([context]))
    return _ask(subscriber, (context, 0), 0, 0).partitions


def position_before(subscriber: str, place: Place, time: datetime) -> int:
    """The position before the first event that is not older than a time.

    Raises: LookupUnavailable: the owner did not answer.
    """
    if get_settings().hosts(place[0]):
        return log.position_before(*place, time)
    return _ask(subscriber, place, 0, 0, since=in_utc(time).isoformat()).before


def _ask(subscriber: str, place: Place, after: int, limit: int, since: str = "") -> History:
    resource = f"events/{place[0]}/{place[1]}/"
    params = [("after", str(after)), ("limit", str(limit)), ("since", since)]
    answer = transport.get(subscriber, place[0], resource, params)
    try:
        return msgspec.json.decode(answer, type=History)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise LookupRefused(f"{place[0]} does not answer as an events API: {error}.") from error
