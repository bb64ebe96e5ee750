"""Appends to and reads the streams. All their data can be rebuilt from the log."""

import logging
import secrets
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
import redis

from carveout.errors import LogMismatch
from carveout.events import codec
from carveout.events.event import PartitionRef, ReceivedEvent, Record
from carveout.redis import keys
from carveout.redis.client import client
from carveout.redis.refusals import answering

logger = logging.getLogger(__name__)

MARK_SHOWN_BYTES = 100
"""Longer than any mark that Carveout writes."""
_NEWEST = """
local newest, id, event = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1], '', ''
if newest then
    id = newest[1]
    for i = 1, #newest[2], 2 do
        if newest[2][i] == 'id' then event = newest[2][i + 1] end
    end
end
"""
# Refuses a stream of another log, and one that does not end with the event that the log has there.
# Marks an empty stream again: the log may have been restored since it was emptied. Then adds all
# entries or none, also when memory is full: Redis refuses the first ID if it is not above the last
# one. All entries are one argument, which Redis unpacks twice as fast as many arguments.
# Source: https://redis.io/docs/latest/commands/xadd/
_APPEND = (
    _NEWEST
    + """
local log = redis.call('GET', KEYS[2])
if log and string.sub(log, 1, #ARGV[1]) ~= ARGV[1] then
    return redis.error_reply('OTHERLOG ' .. log)
end
if id ~= ARGV[6] or event ~= ARGV[7] then return -1 end
if not log or id == '' then redis.call('SET', KEYS[2], ARGV[1] .. ARGV[3]) end
local entries = cmsgpack.unpack(ARGV[5])
for _, entry in ipairs(entries) do
    local reply = redis.pcall('XADD', KEYS[1], unpack(entry))
    if type(reply) == 'table' and reply.err then
        if string.find(reply.err, 'equal or smaller') then return -1 end
        return reply
    end
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[2])
redis.call('PUBLISH', ARGV[4], '')
return #entries
"""
)
# In one step: an entry added in between would look like a deleted newest entry.
_TAIL = (
    _NEWEST
    + """
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[1])
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then last = info[i + 1] end
    end
end
return {id, event, last, redis.call('GET', KEYS[2]) or ''}
"""
)
# Deletes a stream, unless it was deleted since its mark was read. Sets the mark first: if memory is
# full, nothing is done.
_RESTART = """
if ARGV[1] ~= 'any' and (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
return 1
"""
# Blocks adding to and reading a stream, if it still has the mark of this log.
_STOP = """
local log = redis.call('GET', KEYS[1])
if log and string.sub(log, 1, #ARGV[1]) == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2] .. log)
end
"""
STOPPED = "stopped:"
"""Prefix of the mark of a stream that its relay has stopped."""


class Tail(NamedTuple):
    """The end of a stream: its newest entry, last position and mark."""

    position: int = 0
    event_id: UUID | None = None
    """None if there is no entry, or if it is not one of Carveout's."""
    last: int = 0
    """The last position that the stream ever had; 0 if Redis knows no such stream."""
    mark: bytes = b""

    @property
    def is_whole(self) -> bool:
        """Whether the newest entry is an event, and the last one that was added."""
        return self.position == self.last and bool(self.event_id or not self.last)


def tail(ref: PartitionRef) -> Tail:
    """Where a stream ends, in one round trip.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(keys.stream(ref)):
        return _tail(client().eval(_TAIL, 2, keys.stream(ref), keys.identity(ref)))


def tails(refs: Sequence[PartitionRef]) -> list[Tail | None]:
    """Where streams end, in one round trip. None: it can't be read, `tail` raises why.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(*map(keys.stream, refs)):
        pipeline = client().pipeline(transaction=False)
        for ref in refs:
            # redis-py has no `eval` for the pipeline of a cluster.
            pipeline.execute_command("EVAL", _TAIL, 2, keys.stream(ref), keys.identity(ref))
        found = pipeline.execute(raise_on_error=False)
    return [None if isinstance(each, Exception) else _tail(each) for each in found]


def _tail(found: Sequence[bytes]) -> Tail:
    entry_id, event, last, mark = found
    position = codec.position_of(entry_id) if entry_id else 0
    ours = entry_id == f"{position}-0".encode()  # the relay uses no other ID
    event_id = _uuid(event) if ours else None
    return Tail(position, event_id, codec.position_of(last), mark)


def _uuid(text: bytes) -> UUID | None:
    try:
        return UUID(text.decode())
    except ValueError:
        return None


def append(
    ref: PartitionRef,
    identity: str,
    rows: Sequence[Record],
    length: int,
    after: tuple[int, UUID | None],
) -> int:
    """Add entries at their positions.

    after: the expected position and event of the newest entry; 0 and None: no entry.

    Returns: how many were added; -1, and none was added, if the newest entry is or was another.
    Raises: StreamUnavailable: Redis did not answer; call again.
            LogMismatch: the stream belongs to another log.
    """
    entries = [[f"{row.position}-0", *codec.to_entry(ref, row)] for row in rows]
    used = (keys.stream(ref), keys.identity(ref))
    begun, channel = secrets.token_hex(4), keys.stream_channel(ref.context)
    packed = msgspec.msgpack.encode(entries)
    position, event_id = after
    newest = (f"{position}-0", str(event_id)) if event_id else ("", "")
    with answering(*used):
        try:
            arguments = (f"{identity}:", length, begun, channel, packed, *newest)
            return int(client().eval(_APPEND, 2, *used, *arguments))
        except redis.ResponseError as error:
            if "OTHERLOG" in str(error):
                mark = str(error).split()[-1][:MARK_SHOWN_BYTES]
                raise mismatch(ref, f"it is marked {mark}") from error
            raise


def last_position(ref: PartitionRef) -> int:
    """The last position that the stream ever had; 0 if Redis knows no such stream.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(keys.stream(ref)):
        try:
            info = client().xinfo_stream(keys.stream(ref))
        except redis.ResponseError as error:
            if "no such key" in str(error):
                return 0
            raise
        return codec.position_of(info["last-generated-id"])


def restart(ref: PartitionRef, identity: str, seen: bytes | None = None) -> bool:
    """Delete a stream, so that the relay fills it again from the log under a new mark.

    seen: its mark when it was checked; if it has another one now, nothing is done.

    Returns: whether it was deleted.
    Raises: StreamUnavailable: Redis did not answer.
    """
    new, old = f"{identity}:{secrets.token_hex(4)}", "any" if seen is None else seen
    with answering(keys.stream(ref)):
        return bool(client().eval(_RESTART, 2, keys.stream(ref), keys.identity(ref), old, new))


def stop(ref: PartitionRef, identity: str) -> None:
    """Block adding to the stream and handling its entries. Leaves a stream of another log alone.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(keys.stream(ref)):
        client().eval(_STOP, 1, keys.identity(ref), f"{identity}:", STOPPED)


def mismatch(ref: PartitionRef, found: str) -> LogMismatch:
    """The error, with its fixes, for a stream that does not match its log."""
    return LogMismatch(
        f"The stream of {ref} does not belong to its log: {found}. Either another"
        " system uses this Redis database, such as staging beside production: give each its own"
        " REDIS_URL, and do not run `epoch`, which deletes the other's streams. Or the database"
        f" of {ref.context} was restored or recreated while Redis kept its data: if it is the right"
        f" one, run `manage.py epoch {ref.context}`. To find out which: a mark is"
        " `<log_id>:<epoch>:…` of a row in carveout_partition; if another system has that row, it"
        " is the first case."
    )


def check_not_ahead(ref: PartitionRef, last: int, head: int) -> None:
    """Raises: LogMismatch: the stream has positions that the log never gave."""
    if last > head:
        raise mismatch(ref, f"it ends at position {last}, the log at {head}")


def check_not_stopped(ref: PartitionRef, mark: bytes) -> None:
    """Raises: LogMismatch: the relay has stopped the stream."""
    if mark.startswith(STOPPED.encode()):
        raise LogMismatch(
            f"The relay of {ref.context} has stopped {ref}: the stream does not belong"
            f" to its log. Run `manage.py doctor` where {ref.context} is hosted: it shows the cause"
            f" and the fix, usually `manage.py epoch {ref.context}`."
        )


def marks(mark: bytes, identity: str) -> bool:
    """Whether a mark says that this log filled the stream."""
    return mark.startswith(f"{identity}:".encode())


def check_mark(ref: PartitionRef, mark: bytes, identity: str) -> None:
    """Raises: LogMismatch: another log filled the stream."""
    check_not_stopped(ref, mark)
    if not marks(mark, identity):
        raise mismatch(ref, f"it is marked {mark[:MARK_SHOWN_BYTES].decode(errors='replace')}")


class ReadResult(NamedTuple):
    """Entries, and the mark of the stream that they come from."""

    events: list[ReceivedEvent]
    mark: bytes
    """Changes whenever the stream is recreated: after Redis lost it, or for another log."""


def read(ref: PartitionRef, after: int, limit: int) -> ReadResult:
    """Entries after a position, up to the first that is missing or unreadable.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(keys.stream(ref), keys.identity(ref)):
        # The mark is read last: old entries may come with the mark of a new stream, never new
        # entries with an old mark.
        pipeline = client().pipeline(transaction=False)
        pipeline.xrange(keys.stream(ref), f"{after + 1}-0", count=limit)
        pipeline.get(keys.identity(ref))
        entries, mark = pipeline.execute()
    events: list[ReceivedEvent] = []
    for entry_id, fields in entries:
        try:
            event = codec.from_entry(ref, entry_id, fields)
        except codec.UNREADABLE:
            logger.warning("%s: entry %r is unreadable", keys.stream(ref), entry_id)
            break
        if event.position != after + len(events) + 1:
            break
        events.append(event)
    return ReadResult(events, mark or b"")


def wait(after: dict[PartitionRef, int], block_ms: int) -> bool:
    """Return as soon as any of the streams has an entry after its position, or after `block_ms`.

    Not on a cluster: the streams of several partitions are in several slots.

    Returns: whether one has.
    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering():
        after_ids = {keys.stream(ref): f"{position}-0" for ref, position in after.items()}
        return bool(client().xread(after_ids, count=1, block=block_ms))


def find_entries(ref: PartitionRef, positions: Sequence[int]) -> tuple[int, set[int]]:
    """The last shipped position, and which of these positions the stream still holds.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(keys.stream(ref)):
        pipeline = client().pipeline(transaction=False)
        for position in positions:
            pipeline.xrange(keys.stream(ref), f"{position}-0", f"{position}-0")
        held = {each for each, found in zip(positions, pipeline.execute(), strict=True) if found}
    return last_position(ref), held
