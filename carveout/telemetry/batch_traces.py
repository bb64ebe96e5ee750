"""Records when a batch was handled for a subscription, with its lookups and notes.

Kept in Redis, one short entry for each batch, sent once a second without waiting for an answer. A
trace may get lost; the cursor still shows that the events were handled.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from carveout.conf import get_settings
from carveout.events.event import PartitionRef
from carveout.redis import inbound, keys
from carveout.redis.client import fast_client
from carveout.redis.fire_and_forget import send
from carveout.redis.refusals import is_wrong_type
from carveout.runtime.unix import after_fork
from carveout.telemetry.notes import NOTES_MAX, TEXT_MAX, LookupCall, Note, RunNotes

LENGTH = 10_000
"""About how many entries are kept for a subscription and partition."""
PENDING_MAX = 5_000
_FIELD = b"trace"


class Trace(msgspec.Struct, frozen=True):
    """One batch of one subscription. Times are in seconds since 1970."""

    first: int
    began: float
    committed: float
    lookups: Sequence[LookupCall] = ()
    notes: Sequence[Note] = ()
    declined: Sequence[int] = ()


class TraceKey(NamedTuple):
    """The subscription and position of a wanted trace."""

    subscription: str
    ref: PartitionRef
    position: int


_pending: deque[tuple[str, int, Trace]] = deque(maxlen=PENDING_MAX)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Trace).decode


def record(
    subscription: str,
    ref: PartitionRef,
    span: range,
    times: tuple[float, float],
    run_notes: RunNotes,
) -> None:
    """Record the trace of a batch: its positions, start and commit."""
    if not get_settings().uses_redis:
        return
    trace = Trace(span[0], *times, run_notes.lookups, run_notes.notes, sorted(run_notes.declined))
    _pending.append((keys.batch_traces(ref, subscription), span[-1], trace))


def flush() -> None:
    """Send the recorded traces."""
    while _pending:
        stream, last, trace = _pending.popleft()
        send("XADD", stream, "MAXLEN", "~", LENGTH, f"{last}-0", _FIELD, _encode(trace))


def find(asked: Sequence[TraceKey]) -> dict[TraceKey, Trace]:
    """The traces of batches with these positions, as far as they are kept.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    pipeline = fast_client().pipeline(transaction=False)
    for each in asked:
        key = keys.batch_traces(each.ref, each.subscription)
        pipeline.xrange(key, f"{each.position}-0", "+", count=1)
    found: dict[TraceKey, Trace] = {}
    answers = pipeline.execute(raise_on_error=False) if asked else ()
    for each, entries in zip(asked, answers, strict=True):
        trace = _readable(keys.batch_traces(each.ref, each.subscription), entries)
        if trace is not None and trace.first <= each.position:
            found[each] = trace
    return found


def delete(subscription: str, ref: PartitionRef) -> None:
    """Delete traces of events to be handled again: their entries' IDs can't be used twice."""
    send("DEL", keys.batch_traces(ref, subscription))


def _readable(stream: str, answer: Any) -> Trace | None:
    """None if there is no trace, or if the stream is not one."""
    if isinstance(answer, Exception) and is_wrong_type(answer):
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


def reset() -> None:
    """Reset the state to that of a new process."""
    _pending.clear()


after_fork(reset)
