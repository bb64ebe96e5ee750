"""Traces: when a batch was handled for a subscription, what it looked up, and what it said.

Kept in Redis, one short entry for each batch, sent once a second without waiting for an answer. A
trace may get lost; the cursor tells all the same that the events were handled.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import redis

from carveout import inbound
from carveout.annotation import NOTES_MAX, TEXT_MAX, Gathered, LookedUp, Note
from carveout.conf import get_settings
from carveout.connection import impatient_client
from carveout.event import Place
from carveout.notice import tell
from carveout.refusal import is_wrong_type
from carveout.unix import after_fork

LENGTH = 10_000
"""Entries that are kept of a subscription and partition, about."""
PENDING_MAX = 5_000
_FIELD = b"trace"


class Trace(msgspec.Struct, frozen=True):
    """One batch of one subscription. Times are in seconds since 1970."""

    first: int
    began: float
    committed: float
    lookups: Sequence[LookedUp] = ()
    notes: Sequence[Note] = ()


class Asked(NamedTuple):
    """Whose trace at which position is wanted."""

    subscription: str
    place: Place
    position: int


_pending: deque[tuple[str, int, Trace]] = deque(maxlen=PENDING_MAX)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Trace).decode


def keep(
    subscription: str, place: Place, span: range, times: tuple[float, float], gathered: Gathered
) -> None:
    """Keep the trace of a batch: of which positions, when it began and when it was committed."""
    if not get_settings().uses_redis:
        return
    trace = Trace(span[0], *times, gathered.lookups, gathered.notes)
    _pending.append((key(subscription, place), span[-1], trace))


def flush() -> None:
    """Send what was kept until now."""
    while _pending:
        stream, last, trace = _pending.popleft()
        tell("XADD", stream, "MAXLEN", "~", LENGTH, f"{last}-0", _FIELD, _encode(trace))


def find(asked: Sequence[Asked]) -> dict[Asked, Trace]:
    """The traces of batches that held these positions, as far as they are kept.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    pipeline = impatient_client().pipeline(transaction=False)
    for each in asked:
        pipeline.xrange(key(each.subscription, each.place), f"{each.position}-0", "+", count=1)
    found: dict[Asked, Trace] = {}
    answers = pipeline.execute(raise_on_error=False) if asked else ()
    for each, entries in zip(asked, answers, strict=True):
        trace = _readable(key(each.subscription, each.place), entries)
        if trace is not None and trace.first <= each.position:
            found[each] = trace
    return found


def forget(subscription: str, place: Place) -> None:
    """Forget the traces of what will be handled again: their entries' IDs can't be given twice."""
    tell("DEL", key(subscription, place))


def key(subscription: str, place: Place) -> str:
    return f"carveout:{{{place[0]}.{place[1]}}}:trace:{subscription}"


def _readable(stream: str, answer: Any) -> Trace | None:
    """None if there is none, or what is there is not ours."""
    if isinstance(answer, redis.ResponseError) and is_wrong_type(answer):
        inbound.ignore(stream, "is not a stream; delete it with `redis-cli DEL`")
        return None
    if isinstance(answer, Exception):
        raise answer
    if not answer:
        return None
    try:
        trace = _decode(answer[0][1][_FIELD])
        inbound.in_time(trace.began)
        inbound.in_time(trace.committed)
    except (KeyError, *inbound.UNREADABLE) as error:
        inbound.ignore(stream, "has unreadable entries", error)
        return None
    notes = [Note(each.text[:TEXT_MAX], each.position) for each in trace.notes[:NOTES_MAX]]
    return msgspec.structs.replace(trace, notes=notes)


def forget_pending() -> None:
    """Begin anew, as in a new process."""
    _pending.clear()


after_fork(forget_pending)
